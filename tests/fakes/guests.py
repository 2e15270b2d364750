"""The guest list of production, for tests that are about something else."""

from notifier.guests import everybody

EVERYBODY = everybody("Test SDF Network ; September 2015")
