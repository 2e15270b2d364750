"""Evidence read back: the stored bytes of a contract event -> the contract event, as it once came.

In: rows of `evidence`, in chain order. Out: ContractEvents, equal to those that decode.py made.
Next: translate.py, with whatever profile reads them today.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, Exists, Row, Select, and_, exists, func, select

from ingest import wire
from ingest.coverage import LedgerRange
from ingest.cursors import ledger_of, window_end
from ingest.decision import OUTCOME_QUARANTINED
from ingest.decode import ContractEvent, defect_of
from ingest.errors import Undecodable
from store.schema import UNREAD, evidence, evidence_outcome

# Of outcomes, those that are quarantine, by the index of what was not applied.
IN_QUARANTINE: Final = and_(UNREAD, evidence_outcome.c.outcome == OUTCOME_QUARANTINED)
_ROWS_PER_SELECT: Final = 1_000
_Fields: TypeAlias = tuple[str, str, str, wire.LedgerNumber, int, str, list[bytes], bytes]
_decode = msgspec.msgpack.Decoder(_Fields).decode


def stored_events(
    conn: Connection, contract_id: str, ledgers: LedgerRange
) -> Iterator[ContractEvent]:
    """The evidence of a contract between two ledgers, both included, in chain order."""
    after = window_end(ledgers.from_ledger - 1)
    while True:
        rows = conn.execute(
            select(evidence)
            .where(
                evidence.c.contract_id == contract_id,
                evidence.c.event_id > after,
                evidence.c.event_id <= window_end(ledgers.to_ledger),
            )
            .order_by(evidence.c.event_id)
            .limit(_ROWS_PER_SELECT)
        ).all()
        for row in rows:
            yield read_back(row.event_id, row.contract_id, row.bytes, row.sha256)
        if len(rows) < _ROWS_PER_SELECT:
            return
        after = rows[-1].event_id


class Kept(NamedTuple):
    """A stored event and what became of it last. `n`: the number of that outcome.

    `position`: of the recorded event that tells of it, where one does.
    """

    event: ContractEvent
    n: int
    outcome: str
    reason: str | None
    position: int | None


def kept_events(
    conn: Connection,
    contract_id: str,
    *,
    after: str,
    to_ledger: int,
    limit: int,
    only_quarantined: bool,
) -> list[Kept]:
    """The next evidence of a contract behind an event id, up to a ledger, with its last outcome."""
    query = (
        select(evidence, *_LAST_OUTCOME)
        .join(evidence_outcome, evidence_outcome.c.event_id == evidence.c.event_id)
        .where(
            evidence.c.contract_id == contract_id,
            evidence.c.event_id > after,
            evidence.c.event_id <= window_end(to_ledger),
            ~superseded(),
        )
        .order_by(evidence.c.event_id)
        .limit(limit)
    )
    if only_quarantined:
        query = query.where(IN_QUARANTINE)
    return [_kept(row) for row in conn.execute(query)]


def still_quarantined() -> Select[int]:
    """How many events are in quarantine now: their last outcome counts."""
    return select(func.count()).select_from(evidence_outcome).where(IN_QUARANTINE, ~superseded())


def superseded() -> Exists:
    """Whether an outcome has a later one."""
    later = evidence_outcome.alias("later")
    return exists().where(
        later.c.event_id == evidence_outcome.c.event_id, later.c.n > evidence_outcome.c.n
    )


def last_kept_ledger(conn: Connection, contract_id: str, ledgers: LedgerRange) -> int | None:
    """The highest ledger of a range in which evidence of a contract stands; None: there is none."""
    newest = conn.scalar(
        select(func.max(evidence.c.event_id)).where(
            evidence.c.contract_id == contract_id,
            evidence.c.event_id > window_end(ledgers.from_ledger - 1),
            evidence.c.event_id <= window_end(ledgers.to_ledger),
        )
    )
    if newest is None:
        return None
    try:
        return ledger_of(newest)
    except Undecodable:  # an id that is none is kept too, where it stands in the order of text
        return ledgers.to_ledger


_LAST_OUTCOME: Final = (
    evidence_outcome.c.n,
    evidence_outcome.c.outcome,
    evidence_outcome.c.reason,
    evidence_outcome.c.position,
)


def _kept(row: Row[Any]) -> Kept:
    event = read_back(row.event_id, row.contract_id, row.bytes, row.sha256)
    return Kept(event, row.n, row.outcome, row.reason, row.position)


def read_back(event_id: str, contract_id: str, raw: bytes, sha256: bytes) -> ContractEvent:
    """One event; what did not read when it came does not read now."""
    try:
        _, kind, contract, ledger, closed_at, tx_hash, topics, value = _decode(raw)
    except msgspec.DecodeError as error:
        defect = f"the stored event does not read: {error}"
        return ContractEvent(event_id, "", contract_id, 0, 0, "", [], b"", raw, sha256, defect)
    told = wire.Event(event_id, kind, ledger, "", contract, tx_hash, value, topics)
    return ContractEvent(
        event_id,
        kind,
        contract_id,
        ledger,
        closed_at,
        tx_hash,
        topics,
        value,
        raw,
        sha256,
        defect_of(told, closed_at),
    )
