"""A write transaction that a dry run takes back: what it says is what would be done, to the row."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from store.engine import Database


class _TakenBack(Exception):  # no error: the way out of a transaction without its commit
    pass


@contextmanager
def transaction(database: Database, *, dry_run: bool) -> Iterator[Connection]:
    """One write transaction; with `dry_run` nothing of it stays, and nobody is woken."""
    try:
        with database.begin() as conn:
            yield conn
            if dry_run:
                raise _TakenBack  # noqa: TRY301 # the transaction must see it go by
    except _TakenBack:
        return
