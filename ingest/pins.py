"""Which chain it is: ledgers whose hashes we know, against which every endpoint has to prove itself.

A passphrase does not tell a test network from itself before its reset, nor a fork from the chain. The
active indexer stores the hash of a ledger now and then; an endpoint that tells another hash for one of
them, or an older ledger closed later, follows another chain and is not believed.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import structlog
from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, exists, select

from ingest.errors import ForkedChain, RequestRefused, RetentionGap, RpcUnavailable
from ingest.ledger_head import LedgerHead
from ingest.rpc import EventSource
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient
from store.lease import Lease
from store.schema import metadata

_LOG = structlog.get_logger()
_MOST_PINS: Final = 64
_HOUR_LEDGERS: Final = 720

# Ledgers that were passed, as the endpoint `source` told them; `closed_at`: unix seconds.
ledger_pin = Table(
    "ledger_pin",
    metadata,
    Column("ledger", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)


class Pin(NamedTuple):
    """A ledger that we know; `closed_at`: unix seconds, None where only the hash is known."""

    ledger: int
    hash: str
    closed_at: int | None = None


class Identity(Protocol):
    """What an endpoint must prove before it is believed."""

    async def check(self, rpc: EventSource, *, strictly: bool = False) -> int | None:
        """None: it is proven. Else nothing speaks against it yet, and from this ledger on it can be proven.

        `strictly`: it told another chain before, so that it needs a proof, not the lack of one.
        Raises WrongNetwork, ForkedChain, and as EventSource.
        """
        ...


class PassphraseOnly:
    """The network's name, for commands that have no database at hand."""

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase

    async def check(self, rpc: EventSource, *, strictly: bool = False) -> int | None:  # noqa: ARG002 # the protocol's
        """See Identity."""
        await rpc.check_network(self._passphrase)
        return None


class ChainIdentity:
    """The network's name and the pinned ledgers.

    `given`: the operator's own pin, which alone decides wherever an endpoint still has its ledger.
    `stored`: reads the stored pins, newest first.
    """

    def __init__(
        self, passphrase: str, given: Pin | None, stored: Callable[[], Sequence[Pin]]
    ) -> None:
        self._passphrase = passphrase
        self._given = given
        self._stored = stored
        self._known: Sequence[Pin] | None = None
        self._warned: set[str] = set()

    def pins(self) -> list[Pin]:
        """Ledgers that we know: the operator's own, then those stored, newest first."""
        return [*([] if self._given is None else [self._given]), *self._stored()]

    async def check(self, rpc: EventSource, *, strictly: bool = False) -> int | None:
        """See Identity. Where the endpoint has none of the pinned ledgers, its name has to do."""
        await rpc.check_network(self._passphrase)
        stored = await self._read()
        if self._given is None and not stored:
            return None
        health = await rpc.health()
        try:
            window = (health.oldest_ledger, health.latest_ledger)
            return await self._compare(rpc, *window, stored, strictly=strictly)
        except RequestRefused as refused:
            if strictly:
                raise
            # Some gateways do not serve getLedgers.
            self._warn_once(rpc.name, str(refused))
            return None
        except RetentionGap as trimmed:
            # Its window moved on between the two questions; to the caller it would look like a gap.
            raise RpcUnavailable(f"{rpc.name} could not prove its chain: {trimmed}", 0) from trimmed

    def _warn_once(self, name: str, reason: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            _LOG.warning("chain_not_proven", endpoint=name, reason=reason)

    async def _read(self) -> Sequence[Pin]:
        """The stored pins; while the database is away, as they were last read. Raises RpcUnavailable."""
        try:
            self._known = await asyncio.to_thread(self._stored)
        except Transient as trouble:
            if self._known is None:
                raise RpcUnavailable(f"the pinned ledgers cannot be read: {trouble}") from trouble
        return self._known

    async def _compare(
        self, rpc: EventSource, oldest: int, latest: int, stored: Sequence[Pin], *, strictly: bool
    ) -> int | None:
        given = self._given
        if given is not None and oldest <= given.ledger <= latest:
            await _same_hash(rpc, given)
            return None
        known = next((pin for pin in stored if oldest <= pin.ledger <= latest), None)
        if known is not None:
            await _same_hash(rpc, known)
        else:
            same = await self._same_below(rpc, [pin for pin in stored if pin.ledger < oldest])
            if strictly and not same:
                raise ForkedChain(
                    rpc.name, "it told another chain, and has no ledger left to prove itself by"
                )
        newest = stored[0] if stored else None
        if newest is None or newest.closed_at is None or newest.ledger <= latest:
            return None
        tip = await rpc.ledger_head(latest)
        if tip.closed_at > newest.closed_at:
            raise ForkedChain(
                rpc.name,
                f"its ledger {tip.sequence} closed after ledger {newest.ledger}, which we have passed",
            )
        return newest.ledger

    async def _same_below(self, rpc: EventSource, pins: Sequence[Pin]) -> bool:
        """Where a data store behind it still has a ledger that left its window, it must be ours.

        False: there is none.
        """
        if not pins:
            return False
        try:
            await _same_hash(rpc, pins[0])
        except RetentionGap:
            self._warn_once(rpc.name, "no pinned ledger is left")
            return False
        return True


async def _same_hash(rpc: EventSource, pin: Pin) -> None:
    found = await rpc.ledger_head(pin.ledger)
    if found.hash != pin.hash:
        raise ForkedChain(
            rpc.name, f"its ledger {pin.ledger} has the hash {found.hash}, not {pin.hash}"
        )


def stored_pins(conn: Connection) -> list[Pin]:
    """The pins, newest first."""
    rows = conn.execute(select(ledger_pin).order_by(ledger_pin.c.ledger.desc()).limit(_MOST_PINS))
    return [Pin(row.ledger, row.hash, row.closed_at) for row in rows]


def store_pin(database: Database, lease: Lease, head: LedgerHead, source: str) -> None:
    """Keep a ledger's hash; one that is known stays as it is. Raises LeaseLost."""
    with database.begin() as conn:
        lease.renew(conn)
        _thin(conn, head.sequence)
        insert_many(
            conn,
            ledger_pin,
            ("ledger", "hash", "closed_at", "source", "seen_at"),
            [(head.sequence, head.hash, head.closed_at, source, now_micros())],
            on_conflict="nothing",
        )


def _thin(conn: Connection, newest: int) -> None:
    """Beyond the last hour one pin an hour is enough: for nodes that were set back further."""
    other = ledger_pin.alias("other")
    hour_of = ledger_pin.c.ledger // _HOUR_LEDGERS
    begin, end = newest - 4 * _HOUR_LEDGERS, newest - _HOUR_LEDGERS
    earlier = exists().where(
        other.c.ledger >= begin,
        other.c.ledger < ledger_pin.c.ledger,
        other.c.ledger // _HOUR_LEDGERS == hour_of,
    )
    conn.execute(delete(ledger_pin).where(ledger_pin.c.ledger.between(begin, end - 1), earlier))
