"""Where facts are kept: log, evidence, tables, and the one door to the event-sourcing library."""
