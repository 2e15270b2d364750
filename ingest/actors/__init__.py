"""Who really acted: read from the transaction that an event came from."""
