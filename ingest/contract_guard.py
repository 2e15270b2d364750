"""Contract guard: says loudly which followed contract is not what its profile expects.

In: the configured contracts, before they are first followed and every hour. Out: rows of `contract_fault`
and a warning for each new fault. Next: `pausewire status` names them.

It never keeps anybody from being followed: a pause must not be missed because a check was wrong, and a
contract that is deployed or restored later is followed from then on.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, select

from ingest.backoff import Backoff
from ingest.contract_check import Finding, faults
from ingest.errors import IngestError
from store import bulk
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient
from store.schema import key_text, metadata

_LOG = structlog.get_logger()
_AGAIN_SECONDS: Final = 3_600.0

# What did not hold when the contracts were last looked up. `seen_at`: since when, microseconds.
contract_fault = Table(
    "contract_fault",
    metadata,
    Column("contract_id", key_text(), primary_key=True),
    Column("check_name", key_text(), primary_key=True),
    Column("detail", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

_COLUMNS: Final = tuple(column.name for column in contract_fault.columns)

# Looks all contracts up: {contract id: findings}. Raises IngestError, StoreError.
LookUp: TypeAlias = Callable[[], Coroutine[Any, Any, Mapping[str, Sequence[Finding]]]]


class ContractGuard:
    """Looks at start and every hour."""

    def __init__(self, database: Database, look_up: LookUp) -> None:
        self._database = database
        self._look_up = look_up

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop; what cannot be asked now is asked again."""
        backoff = Backoff()
        while not stop.is_set():
            try:
                self.look()
            except (IngestError, Transient) as trouble:
                _LOG.info("contracts_not_checked", reason=str(trouble))
                stop.wait(backoff.next())
                continue
            backoff.reset()
            stop.wait(_AGAIN_SECONDS)

    def look(self) -> None:
        """Look once. Raises IngestError, StoreError."""
        wrong = faults(asyncio.run(self._look_up()))
        seen = [(contract_id, fault) for contract_id, found in wrong.items() for fault in found]
        now = now_micros()
        with self._database.begin() as conn:
            since = {
                (row.contract_id, row.check_name): row.seen_at
                for row in conn.execute(select(contract_fault))
            }
            conn.execute(delete(contract_fault))
            rows = [
                (name, fault.check, fault.detail, since.get((name, fault.check), now))
                for name, fault in seen
            ]
            bulk.insert_many(conn, contract_fault, _COLUMNS, rows, on_conflict="nothing")
        for name, fault in seen:
            if (name, fault.check) not in since:
                _LOG.warning(
                    "contract_check_failed",
                    contract_id=name,
                    check=fault.check,
                    detail=fault.detail,
                )


def known_faults(conn: Connection) -> list[tuple[str, Finding]]:
    """The faults as last seen, by contract."""
    rows = conn.execute(
        select(contract_fault).order_by(contract_fault.c.contract_id, contract_fault.c.check_name)
    )
    return [(row.contract_id, Finding(row.check_name, False, row.detail)) for row in rows]
