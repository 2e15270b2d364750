"""What contracts' storage told of pay, as those who tell people take it: ingest's word for the notifier."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection

from ingest.claimable import told
from ingest.claimable.told import Earned
from notifier.content import Money
from notifier.money_news import Counted

# Behind the point, as far as people are told; and what a stored content can hold (msgpack: 64 bits), which
# is nine thousand million whole tokens.
_DIGITS: Final = 9
_MOST: Final = 2**63 - 1


class PauseMoney:
    """The MoneySource of this deployment."""

    def untold(self, conn: Connection, planned_to: int) -> Sequence[Counted]:
        """As MoneySource."""
        return [Counted(each.event_id, _money(each)) for each in told.untold(conn, planned_to)]

    def handed_over(self, conn: Connection, causes: Collection[str]) -> None:
        """As MoneySource."""
        told.handed_over(conn, causes)


def _money(earned: Earned) -> Money | None:
    """What was earned until the pause: what could be taken then, and what had been."""
    if earned.symbol is None or earned.decimals is None or earned.withdrawn is None:
        return None
    unheard = 10 ** max(earned.decimals - _DIGITS, 0)
    until_then = (earned.claimable + earned.withdrawn) // unheard
    before = earned.withdrawn // unheard
    if not 0 <= before <= until_then <= _MOST:
        return None
    digits = min(earned.decimals, _DIGITS)
    return Money(earned.symbol, digits, earned=until_then, withdrawn=before)
