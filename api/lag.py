"""How far we are behind the network, by the clock: ledgers that must have closed since the last one seen.

The RPC's own latest ledger is known only to the indexer, and says nothing once that has stopped; the
clock goes on. One ledger's time is taken from the close times that were stored lately.
"""

from typing import Any, Final

from sqlalchemy import Connection, Select, select

from store.schema import ledger_close

_LOOK_BACK_LEDGERS: Final = 1000
_SECONDS_PER_LEDGER: Final = 5.0  # the public network's, until close times are stored
_MICROS: Final = 1_000_000


def lag_ledgers(conn: Connection, fresh_to_ledger: int | None, now: int) -> int | None:
    """Ledgers behind; None where nothing was scanned yet. `now`: microseconds."""
    if fresh_to_ledger is None:
        return None
    newest = conn.execute(_newest(fresh_to_ledger)).first()
    if newest is None:
        return None
    oldest = conn.execute(_oldest(newest.ledger - _LOOK_BACK_LEDGERS)).one()
    seconds_per_ledger = _SECONDS_PER_LEDGER
    if newest.ledger > oldest.ledger and newest.closed_at > oldest.closed_at:
        seconds = newest.closed_at - oldest.closed_at
        seconds_per_ledger = seconds / (newest.ledger - oldest.ledger)
    closed_since = int((now / _MICROS - newest.closed_at) / seconds_per_ledger)
    seen_since: int = fresh_to_ledger - newest.ledger
    return max(0, closed_since - seen_since)


def _newest(up_to: int) -> Select[Any]:
    """The last ledger up to this one whose close time is known."""
    return (
        select(ledger_close)
        .where(ledger_close.c.ledger <= up_to)
        .order_by(ledger_close.c.ledger.desc())
        .limit(1)
    )


def _oldest(from_ledger: int) -> Select[Any]:
    """The first ledger from this one on whose close time is known."""
    return (
        select(ledger_close)
        .where(ledger_close.c.ledger >= from_ledger)
        .order_by(ledger_close.c.ledger)
        .limit(1)
    )
