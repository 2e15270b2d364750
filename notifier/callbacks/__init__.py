"""What providers call back to say: proven, stored once, worked off later."""
