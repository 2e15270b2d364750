"""Contract profiles: how the events of a kind of contract read, as data."""
