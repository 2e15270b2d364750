"""Name the actors of pauses: fetch their transactions, off the path that alerts take.

In: pauses that lack their actor (search.py). Out: actor facts through T1, written by the one record loop
(told.py). Next: the aggregates judge the role, the read models show it.

The leader does this beside live following. An alert never waits for it: the fact comes a moment later and
takes the place right behind its event. Twice is once, since what is in evidence is taken out first.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from sqlalchemy import Row

from domain.actors import named
from domain.chain_order import FactConfirmed, FactJudged
from domain.facts import Fact
from ingest.actors import search
from ingest.actors.envelope import Invocation, read_envelope
from ingest.actors.who import actors_of
from ingest.backoff import Backoff
from ingest.errors import Permanent, RetentionGap, Transient, Undecodable
from ingest.patience import wait_out
from ingest.record import Recorder
from ingest.rpc import EventSource
from ingest.told import Read, Told
from ingest.write_queue import WriteQueue, hand_over
from store import log
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient as StoreTransient
from store.follower import Apply
from store.lease import Lease

TOLD_BY: Final = "transaction@1"
SOURCE: Final = "transaction"
_AT_ONCE: Final = 4  # requests under way: following and backfills use the same endpoints
_LONGEST_WAIT_SECONDS: Final = 900.0
_MICROS: Final = 1_000_000
_LOG = structlog.get_logger()

ACTOR_UNKNOWN = "actor_unknown"
_Due = Row[str, int, str, int, int]


@dataclass(frozen=True, kw_only=True)
class SeekOptions:
    """How to look. `network`: its id. `authorities`: {contract id: who may act for all of it}."""

    network: str
    authorities: Mapping[str, tuple[str, ...]]
    poll_seconds: float


class _Transaction(NamedTuple):
    envelope: bytes
    invocation: Invocation


class ActorSeeker:
    """The leader's task."""

    def __init__(
        self,
        database: Database,
        *,
        rpc: EventSource,
        recorder: Recorder,
        lease: Lease,
        options: SeekOptions,
        also: Apply | None = None,
    ) -> None:
        """`also`: notes something else of the events that are looked through."""
        self._database = database
        self._rpc = rpc
        self._recorder = recorder
        self._lease = lease
        self._options = options
        self._follower = search.search_follower(database, also=also)
        self._recorded = asyncio.Event()

    def wake(self) -> None:
        """Something was recorded: look now instead of at the next poll."""
        self._recorded.set()

    async def run(self, pages: WriteQueue) -> None:
        """Look for ever. `pages`: the record loop's queue. Raises what the store calls a defect."""
        backoff = Backoff()
        while True:
            self._recorded.clear()
            try:
                due = await asyncio.to_thread(self._due)
                await self._seek(due, pages)
                backoff.reset()
            except StoreTransient as trouble:
                await wait_out(trouble, backoff)
                continue
            if not due:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._options.poll_seconds):
                        await self._recorded.wait()

    def _due(self) -> Sequence[_Due]:
        while self._follower.step():
            pass
        with self._database.read() as conn:
            return search.due(conn, now_micros())

    async def _seek(self, due: Sequence[_Due], pages: WriteQueue) -> None:
        """Fetch each transaction once, then name the actors of all whose transaction was told."""
        by_transaction: dict[str, list[_Due]] = {}
        for row in due:
            by_transaction.setdefault(row.tx_hash, []).append(row)
        gate = asyncio.Semaphore(_AT_ONCE)
        fetched = await asyncio.gather(
            *(self._transaction(gate, rows) for rows in by_transaction.values())
        )
        told = {
            row.event_id: (row, transaction)
            for rows, transaction in zip(by_transaction.values(), fetched, strict=True)
            if transaction is not None
            for row in rows
        }
        if told:
            facts = await asyncio.to_thread(self._told, list(told.values()))
            reading = Read(SOURCE, now_micros())
            record = partial(self._recorder.record_told, facts, reading, lease=self._lease)
            await hand_over(pages, record)
            await asyncio.to_thread(self._write, search.settle, list(told), search.NAMED, None)

    async def _transaction(
        self, gate: asyncio.Semaphore, rows: Sequence[_Due]
    ) -> _Transaction | None:
        """The transaction, or None: its rows are postponed, or settled as unknown."""
        first = rows[0]
        network = self._options.network
        try:
            async with gate:
                envelope = await self._rpc.transaction(
                    first.tx_hash, ledger=first.ledger, network=network
                )
            return _Transaction(envelope, read_envelope(envelope))
        except (RetentionGap, Undecodable) as error:
            # No endpoint has it any more, or the bytes, which are the chain's own, do not read.
            await self._give_up(rows, str(error))
        except (Transient, Permanent) as trouble:
            await self._postpone(rows, trouble)
        return None

    async def _postpone(self, rows: Sequence[_Due], trouble: Transient | Permanent) -> None:
        waits = self._options.poll_seconds * 2.0 ** min(rows[0].tries, 30)
        waits = min(max(waits, getattr(trouble, "retry_after", None) or 0.0), _LONGEST_WAIT_SECONDS)
        due_at = now_micros() + int(waits * _MICROS)
        await asyncio.to_thread(self._write, search.postpone, _ids(rows), str(trouble), due_at)

    async def _give_up(self, rows: Sequence[_Due], reason: str) -> None:
        await asyncio.to_thread(self._write, search.settle, _ids(rows), search.UNKNOWN, reason)
        _LOG.warning(ACTOR_UNKNOWN, tx_hash=rows[0].tx_hash, reason=reason)

    def _write(self, change: Any, *arguments: Any) -> None:
        with self._database.begin(durable=False) as conn:
            change(conn, *arguments)

    def _told(self, found: Sequence[tuple[_Due, _Transaction]]) -> list[Told]:
        with self._database.read() as conn:
            causes = {
                row.event_id: _fact_at(log.read_after(conn, row.position - 1, 1))
                for row, _ in found
            }
        return [
            self._named(causes[row.event_id], row.tx_hash, transaction)
            for row, transaction in found
        ]

    def _named(self, cause: Fact, tx_hash: str, transaction: _Transaction) -> Told:
        found = actors_of(cause, transaction.invocation)
        authorities = self._options.authorities.get(cause.contract_id, ())
        evidence = msgspec.msgpack.encode((tx_hash, cause.ledger, transaction.envelope))
        fact = named(cause, found.actors, found.function, authorities)
        return Told(fact=fact, evidence_bytes=evidence, told_by=TOLD_BY)


def _ids(rows: Sequence[_Due]) -> list[str]:
    return [row.event_id for row in rows]


def _fact_at(recorded: Sequence[log.Recorded]) -> Fact:
    event = recorded[0].event
    if not isinstance(event, FactJudged | FactConfirmed):
        raise TypeError(f"position {recorded[0].position} tells no fact")
    return event.fact
