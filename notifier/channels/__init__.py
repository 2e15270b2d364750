"""Step 12: the ways to a person; each hands one letter to one provider and keeps what it answered."""
