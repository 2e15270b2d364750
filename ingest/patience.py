"""Bad weather: say what stands in the way, wait, and ask again; nothing is given up."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from ingest.backoff import Backoff
from store.engine import Database
from store.errors import Transient

_LOG = structlog.get_logger()
T = TypeVar("T")


async def wait_out(trouble: Exception, backoff: Backoff) -> None:
    """Say what stands in the way, then wait; the cursor stays where it is."""
    wait = backoff.next(getattr(trouble, "retry_after", None))
    _LOG.warning(
        "following_delayed",
        kind=type(trouble).__name__,
        reason=str(trouble),
        wait_seconds=round(wait, 2),
    )
    await asyncio.sleep(wait)


async def patiently(act: Callable[[], T]) -> T:
    """Do something in a thread, again and again while the database is away."""
    backoff = Backoff()
    while True:
        try:
            return await asyncio.to_thread(act)
        except Transient as trouble:
            await wait_out(trouble, backoff)


async def read_patiently(database: Database, query: Callable[[Connection], T]) -> T:
    """What the database says, however long it is away."""

    def read() -> T:
        with database.read() as conn:
            return query(conn)

    return await patiently(read)
