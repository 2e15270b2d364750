"""What happened to a pay stream, as pure values and decisions: no I/O, no clock, no randomness."""
