"""Answers about the chain: one read of one snapshot, with its freshness, behind an entity tag.

In: a plain function over a connection. Out: its answer as JSON, or 304. All queries of an answer run
one after the other on the request's own read-only transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from api.dependencies import (
    ApiDependencies,
    PageCursor,
    PageLimit,
    Reads,
    Serving,
    StreamsReader,
)
from api.etag import chain_answer
from api.schemas import ChainAnswer
from api.snapshot import InThread, Snapshot
from projections.reach import Reach


@dataclass(frozen=True)
class Listing:
    """Which page of a list is asked for."""

    limit: int
    cursor: str | None


async def listing(limit: PageLimit, cursor: PageCursor = None) -> Listing:
    """The parameters that every list takes."""
    return Listing(limit, cursor)


Listed = Annotated[Listing, Depends(listing)]


@dataclass(frozen=True)
class Reading:
    """A request that may read streams, as far as `reach` goes."""

    request: Request
    given: ApiDependencies
    snapshot: Snapshot
    reach: Reach

    async def answer(self, read: Callable[[Connection], ChainAnswer]) -> Response:
        """Run the read and answer with what it gives."""
        return chain_answer(self.request, await self.snapshot.read(read))

    async def answer_at_once(self, read: Callable[[Connection], ChainAnswer]) -> Response:
        """The same for what asks once, or asks again of later states only; what is reached is one state."""
        ask = self.snapshot.read if self.reach.bounded else self.snapshot.ask
        return chain_answer(self.request, await ask(read))

    async def answer_aside(self, read: Callable[[Connection], ChainAnswer]) -> Response:
        """The same in a thread: for what computes long enough to keep other requests waiting."""
        return chain_answer(self.request, await InThread(self.given.database).read(read))


async def reading(
    request: Request, given: Serving, snapshot: Reads, caller: StreamsReader
) -> Reading:
    """What a route about the chain is given, once its key was found good."""
    return Reading(request, given, snapshot, caller.reach)


ChainReading = Annotated[Reading, Depends(reading)]
