"""Read how tokens are called and counted, once for each.

In: tokens that lack it (tokens.py). Out: rows of `token`. The leader does this beside live following.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from ingest.claimable import tokens
from ingest.claimable.metadata import read_metadata
from ingest.errors import Permanent, Transient, Undecodable
from ingest.instance import instance_key
from ingest.rpc import EventSource, LedgerEntries
from store.clock import now_micros
from store.engine import Database

_MOST_TRIES: Final = 8
_LONGEST_WAIT_SECONDS: Final = 60.0
_MICROS: Final = 1_000_000


class TokenSeeker:
    """Works off the tokens that are due."""

    def __init__(self, database: Database, *, rpc: EventSource, poll_seconds: float) -> None:
        self._database = database
        self._rpc = rpc
        self._poll_seconds = poll_seconds

    async def step(self) -> int:
        """Ask for those that are due in one call; returns how many those were."""
        due = await asyncio.to_thread(self._due)
        if not due:
            return 0
        try:
            answer = await self._rpc.ledger_entries([instance_key(each) for each, _ in due])
        except (Transient, Permanent) as trouble:
            await self._postpone(due, str(trouble), getattr(trouble, "retry_after", None))
        else:
            await self._take(due, answer)
        return len(due)

    async def _take(self, due: Sequence[tuple[str, int]], answer: LedgerEntries) -> None:
        entries = {entry.key: entry for entry in answer.found}
        for token_id, tries in due:
            entry = entries.get(instance_key(token_id))
            if entry is None:
                await self._postpone([(token_id, tries)], "the node has no such contract", None)
                continue
            try:
                found = read_metadata(entry)
            except Undecodable as error:
                await self._write(partial(tokens.settle, token_ids=[token_id], reason=error.reason))
            else:
                await self._write(partial(tokens.keep, token_id=token_id, found=found))

    async def _postpone(
        self, due: Sequence[tuple[str, int]], reason: str, retry_after: float | None
    ) -> None:
        """Try again a little later; what was tried often enough is unknown."""
        over = [token_id for token_id, tries in due if tries + 1 >= _MOST_TRIES]
        if over:
            await self._write(partial(tokens.settle, token_ids=over, reason=reason))
        again = {token_id: tries for token_id, tries in due if tries + 1 < _MOST_TRIES}
        if again:
            waits = min(self._poll_seconds * 2.0 ** min(again.values()), _LONGEST_WAIT_SECONDS)
            due_at = now_micros() + int(max(waits, retry_after or 0.0) * _MICROS)
            await self._write(
                partial(tokens.postpone, token_ids=list(again), reason=reason, due_at=due_at)
            )

    def _due(self) -> Sequence[tuple[str, int]]:
        with self._database.read() as conn:
            return tokens.due(conn, now_micros())

    async def _write(self, change: Callable[[Connection], None]) -> None:
        def write() -> None:
            with self._database.begin(durable=False) as conn:
                change(conn)

        await asyncio.to_thread(write)
