"""Where storage told what no event did, getEvents may have left an event out: those ledgers are read whole.

In: the storage facts that were just recorded. Out: confirm jobs of the few ledgers in which their events
must stand, if there are any. Next: confirming.py. An event that is found confirms the storage fact, and
brings what storage does not keep: its transaction, who paused, the moment. Of a silent change (a multisig's
emergency pause) there is none, and the search costs some ledgers, once.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from sqlalchemy import Connection, select

from domain.facts import UNKNOWN_START_PREFIX, Fact
from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.sources import passed
from ingest.told import Told
from store.schema import ledger_close

_LOG = structlog.get_logger()
_WIDEST: Final = 720  # ledgers: an hour, some 700 MB on the public network
_MOST_JOBS: Final = 50


def request_confirming(
    conn: Connection, contract_id: str, told: Sequence[Told]
) -> list[LedgerRange]:
    """Ask for the ledgers of these facts' events to be read whole; which they are."""
    reached = passed(conn, contract_id) or 0
    places = (_place(conn, each.fact, reached) for each in told)
    wanted = [
        each
        for each in _joined(places)
        if each.from_ledger <= each.to_ledger < each.from_ledger + _WIDEST
    ]
    for ledgers in wanted[:_MOST_JOBS]:
        jobs.join(conn, kind=jobs.CONFIRM, contract_id=contract_id, ledgers=ledgers)
        _LOG.warning("event_left_out_suspected", contract_id=contract_id, **ledgers._asdict())
    return wanted[:_MOST_JOBS]


def _place(conn: Connection, fact: Fact, reached: int) -> LedgerRange:
    """The ledgers that may have closed in the fact's second, of those that live following has passed.

    A state stands where its entry changed.
    """
    if fact.order.startswith(UNKNOWN_START_PREFIX):
        return LedgerRange(fact.ledger, fact.ledger)
    closes = ledger_close.c
    before = conn.scalar(
        select(closes.ledger)
        .where(closes.closed_at < fact.closed_at)
        .order_by(closes.ledger.desc())
        .limit(1)
    )
    low = fact.ledger if before is None else before + 1
    behind = conn.scalar(
        select(closes.ledger)
        .where(closes.ledger >= low, closes.closed_at > fact.closed_at)
        .order_by(closes.ledger)
        .limit(1)
    )
    high = reached if behind is None else behind - 1  # the second of the newest ledger is not over
    return LedgerRange(low, min(max(low, high), reached))


def _joined(places: Iterable[LedgerRange]) -> list[LedgerRange]:
    """In order, those that touch as one."""
    joined: list[LedgerRange] = []
    for low, high in sorted(places):
        if joined and low <= joined[-1].to_ledger + 1:
            joined[-1] = LedgerRange(joined[-1].from_ledger, max(high, joined[-1].to_ledger))
        else:
            joined.append(LedgerRange(low, high))
    return joined
