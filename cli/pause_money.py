"""What contracts' storage told of pay, as those who tell people take it: ingest's word for the notifier."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection

from ingest.claimable import told
from ingest.claimable.told import Earned
from notifier.content import Money
from notifier.money_news import Counted
from notifier.news import Paid

# Behind the point, as far as people are told; and what a stored content can hold (msgpack: 64 bits), which
# is nine thousand million whole tokens.
_DIGITS: Final = 9
_MOST: Final = 2**63 - 1


class PauseMoney:
    """The MoneySource and the Settlements of this deployment."""

    def untold(self, conn: Connection, planned_to: int) -> Sequence[Counted]:
        """As MoneySource."""
        return [Counted(each.event_id, _money(each)) for each in told.untold(conn, planned_to)]

    def settled(
        self, conn: Connection, contract_id: str, stream_id: int, paid: Paid
    ) -> Money | None:
        """As Settlements."""
        if paid.out is None and paid.back is None:
            return None
        named = told.token_of(conn, contract_id, stream_id)
        if named is None:
            return None
        out, back = (_as_told(amount, named.decimals) for amount in paid)
        if out is None and back is None:
            return None
        return Money(named.symbol, min(named.decimals, _DIGITS), settled=out, refunded=back)

    def handed_over(self, conn: Connection, causes: Collection[str]) -> None:
        """As MoneySource."""
        told.handed_over(conn, causes)


def _as_told(amount: int | None, decimals: int) -> int | None:
    """An amount in the units that people are told; None: it says nothing, or is beyond belief."""
    if amount is None:
        return None
    shown = amount // 10 ** max(decimals - _DIGITS, 0)
    return shown if 0 <= shown <= _MOST else None


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
