"""Does by hand, each minute, what a server that people's wages hang on does by itself.

A test server may have its autovacuum off: what a day changes then stays in its tables and indexes, and
the planner has never counted any of it.
"""

import time

import psycopg
from sqlalchemy import make_url

_EVERY_SECONDS = 60


class Caretaker:
    """Of one database; one that clears up by itself, or has nothing to clear, is left alone."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url)
        self._next_round = time.monotonic() + _EVERY_SECONDS
        self._place = None
        if url.get_backend_name() == "postgresql":
            place = url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(place) as conn:
                (setting,) = conn.execute("SHOW autovacuum").fetchone() or ("on",)
            self._place = place if setting == "off" else None

    def look(self) -> None:
        """Clear up where it is time."""
        if self._place is None or time.monotonic() < self._next_round:
            return
        with psycopg.connect(self._place, autocommit=True) as conn:
            conn.execute("VACUUM (ANALYZE)")
        self._next_round = time.monotonic() + _EVERY_SECONDS
