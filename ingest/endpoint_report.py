"""How each endpoint fares, kept where every process can read it: status, doctor and metrics.

In: the active indexer's pool. Out: one row per endpoint, written anew every few seconds; its counters go
on over restarts and changes of the leader.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    Row,
    Select,
    Table,
    Text,
    delete,
    select,
)

from ingest.endpoint import OUTCOMES, Endpoint
from ingest.endpoints import EndpointPool
from store.bulk import upsert_many
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient
from store.lease import Lease
from store.schema import key_text, metadata

_LOG = structlog.get_logger()
REPORT_SECONDS: Final = 5.0
_MICROS: Final = 1_000_000

# `name`: host and port. `lag_ledgers`: behind the newest ledger that any endpoint has shown. The counters
# are of requests, by how they ended; `waited_micros`: for the budget.
rpc_endpoint = Table(
    "rpc_endpoint",
    metadata,
    Column("name", key_text(), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("latency_micros", BigInteger),
    Column("latest_ledger", BigInteger, nullable=False),
    Column("oldest_ledger", BigInteger, nullable=False),
    Column("lag_ledgers", BigInteger, nullable=False),
    *(Column(outcome, BigInteger, nullable=False) for outcome in OUTCOMES),
    Column("waited_micros", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
_COLUMNS: Final = tuple(column.name for column in rpc_endpoint.columns)
_COUNTERS: Final = (*OUTCOMES, "waited_micros")


def reported() -> Select[Any]:
    """All endpoints, the preferred one first."""
    return select(rpc_endpoint).order_by(rpc_endpoint.c.place, rpc_endpoint.c.name)


class EndpointReport:
    """Writes the rows while this process leads."""

    def __init__(self, database: Database, pool: EndpointPool, lease: Lease) -> None:
        self._database = database
        self._pool = pool
        self._lease = lease
        self._before: dict[str, dict[str, int]] | None = None

    async def run(self) -> None:
        """Every few seconds, for ever; a database that is away is told later."""
        while True:
            try:
                await asyncio.to_thread(self.write)
            except Transient as trouble:
                _LOG.info("endpoints_not_reported", reason=type(trouble).__name__)
            await asyncio.sleep(REPORT_SECONDS)

    def write(self) -> None:
        """Write all rows now. Raises LeaseLost, or a transient StoreError."""
        now, newest = now_micros(), self._pool.newest_ledger
        with self._database.begin(durable=False) as conn:
            self._lease.renew(conn)
            if self._before is None:
                self._before = _counted(conn)
            rows = [
                self._row(place, endpoint, newest, now)
                for place, endpoint in enumerate(self._pool.endpoints)
            ]
            _drop_former(conn, [endpoint.name for endpoint in self._pool.endpoints])
            upsert_many(conn, rpc_endpoint, ("name",), _COLUMNS, rows)

    def _row(self, place: int, endpoint: Endpoint, newest: int, now: int) -> tuple[Any, ...]:
        before = (self._before or {}).get(endpoint.name, {})
        latency = endpoint.transport.latency_seconds
        counts = [endpoint.outcomes[outcome] for outcome in OUTCOMES]
        counts.append(int(endpoint.transport.waited_seconds * _MICROS))
        totals = [
            before.get(name, 0) + count for name, count in zip(_COUNTERS, counts, strict=True)
        ]
        return (
            endpoint.name,
            place,
            endpoint.state,
            endpoint.reason,
            None if latency is None else int(latency * _MICROS),
            endpoint.latest_ledger,
            endpoint.oldest_ledger,
            max(0, newest - endpoint.latest_ledger) if endpoint.latest_ledger else 0,
            *totals,
            now,
        )


def _counted(conn: Connection) -> dict[str, dict[str, int]]:
    rows: Sequence[Row[Any]] = conn.execute(reported()).all()
    return {row.name: {name: getattr(row, name) for name in _COUNTERS} for row in rows}


def _drop_former(conn: Connection, names: Sequence[str]) -> None:
    conn.execute(delete(rpc_endpoint).where(rpc_endpoint.c.name.not_in(names)))
