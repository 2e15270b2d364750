"""11b Spending: what a day may cost, counted to the last message, whoever sends it.

In: a letter that is about to leave. Out: its price taken from the day's budget, in the transaction of the
hand-off mark, or the delivery held, reason `cost_cap`, until the next day or an operator's word.

Taken right before the bytes leave, nothing is ever reserved for what does not leave. What a provider
provably did not take is given back; an outcome that nobody knows stays spent, after a crash too. Days are
UTC's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection, func, literal_column, select

from notifier import budgets, gsm
from notifier.budgets import Scope
from notifier.content import SMS
from notifier.result import SENDING, Result
from notifier.retry import PROVEN_NOT_SENT
from notifier.schema import delivery
from notifier.states import HELD
from store.alone import alone
from store.gather import ask_once, at_end

T = TypeVar("T")

# Whoever changes the day's money waits for whoever does, so that the order of its rows is of no matter; a
# crowd that pays does so first, and one that is refused counts that last, before the buckets.
_MONEY_TURN = 0
COST_CAP = "cost_cap"  # why a delivery is held, or did not leave in time
COST_CAP_REACHED = "cost_cap_reached"
_SPENT = "cost"
_REFUSED = "refused_for_cost"
_DAY = 86_400_000_000
_KEPT_DAYS = 40
_IS_HELD = delivery.c.state == literal_column(f"'{HELD}'")  # as the partial index has it


class _Refused(NamedTuple):
    channel: str
    day: int


class Paid(NamedTuple):
    """What was taken for a letter, in millionths, and when; None: it never was."""

    price: int = 0
    at: int | None = None


NOTHING = Paid()


class Standing(NamedTuple):
    """How a day's spending stands, in millionths. `spent`: by channel, the empty name is all of them.

    `held`: deliveries held for it, `since` when, microseconds. `refused`: how often today.
    """

    spent: Mapping[str, int]
    held: int
    since: int | None
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """In millionths of the currency. `prices`: of a message by channel. 0, or none: no cap."""

    prices: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    channels: Mapping[str, int] = field(default_factory=dict)

    def limits(self, channel: str) -> dict[str, int]:
        """The caps that a paid channel is under, by the budget's name; empty: it is counted nowhere."""
        if not self.prices.get(channel):
            return {}
        found = {_SPENT: self.total, f"{_SPENT}:{channel}": self.channels.get(channel, 0)}
        return found if any(found.values()) else {}


class Spending:
    """Counts what one deployment spends a day."""

    def __init__(self, caps: Caps = Caps()) -> None:  # frozen
        self._caps = caps
        self._log = structlog.get_logger()

    def cost(self, channel: str, text: str) -> int:
        """What a letter costs, under a cap or not; an SMS as often as it has parts. 0: no price is set."""
        price = self._caps.prices.get(channel, 0)
        return price * gsm.segments(text) if price and channel == SMS else price

    def is_counted(self, channel: str) -> bool:
        """Whether the channel is under a cap."""
        return bool(self._caps.limits(channel))

    def is_spent(self, conn: Connection, channel: str, now: int) -> bool:
        """Whether nothing more can leave on a channel today; a crowd asks once, the taking is exact."""
        limits = self._caps.limits(channel)
        if not limits:
            return False
        spent = ask_once(conn, _spent_lately)
        price, day = self._caps.prices[channel], now // _DAY
        return any(
            limit and spent.get(Scope(name, day), 0) + price > limit
            for name, limit in limits.items()
        )

    def affordable(self, conn: Connection, channels: Mapping[str, T], now: int) -> dict[str, T]:
        """Those of these channels on which something can leave today."""
        spent = {each for each in channels if self.is_spent(conn, each, now)}
        return {name: value for name, value in channels.items() if name not in spent}

    def open(self, conn: Connection) -> None:
        """Wait for whoever changes the day's money, and keep others waiting until the end."""
        ask_once(conn, _alone)

    def take(
        self, conn: Connection, channel: str, cost: int, now: int, *, beyond: bool = False
    ) -> bool:
        """Spend it; False: the day's budget does not hold it. `beyond`: an operator said so.

        Where no cap is set nothing is counted, and nobody waits.
        """
        if not self.is_counted(channel):
            return True
        self.open(conn)
        taken: list[Scope] = []
        for name, limit in self._caps.limits(channel).items():
            scope = Scope(name, now // _DAY)
            if budgets.take(conn, scope, cost, None if beyond or not limit else limit):
                taken.append(scope)
                continue
            for each in taken:
                budgets.give_back(conn, each, cost)
            return False
        return True

    def give_back(self, conn: Connection, channel: str, cost: int, taken_at: int) -> None:
        """What was taken and cost nothing."""
        if not self.is_counted(channel):
            return
        self.open(conn)
        for name in self._caps.limits(channel):
            budgets.give_back(conn, Scope(name, taken_at // _DAY), cost)

    def pay_back(self, conn: Connection, channel: str, paid: Paid) -> None:
        """The same, where it was taken at all."""
        if paid.price and paid.at is not None:
            self.give_back(conn, channel, paid.price, paid.at)

    def refuse(self, conn: Connection, channel: str, now: int) -> int:
        """Count and say that the day's money is spent; returns when the next day begins, microseconds."""
        at_end(conn, self._count_refused, _Refused(channel, now // _DAY), turn=_MONEY_TURN)
        return (now // _DAY + 1) * _DAY

    def _count_refused(self, conn: Connection, refused: Sequence[_Refused]) -> None:
        self.open(conn)
        for channel, day in refused:
            budgets.take(conn, Scope(_REFUSED, day), 1, None)
            if budgets.seen(conn, _REFUSED, day)[_REFUSED] == 1:
                self._log.error(COST_CAP_REACHED, channel=channel)


UNCOUNTED = Spending()


def cost_nothing(result: Result) -> bool:
    """Whether what was about to leave was provably not taken."""
    return result.phase != SENDING or result.outcome in PROVEN_NOT_SENT


def standing(conn: Connection, now: int) -> Standing:
    """Today's spending, and what it holds."""
    day = now // _DAY
    spent = budgets.seen(conn, _SPENT, day)
    held = conn.execute(
        select(func.count(), func.min(delivery.c.updated_at)).where(
            _IS_HELD, delivery.c.reason == COST_CAP
        )
    ).one()
    return Standing(
        spent={name.partition(":")[2]: used for name, used in sorted(spent.items())},
        held=held[0],
        since=held[1],
        refused=budgets.seen(conn, _REFUSED, day).get(_REFUSED, 0),
    )


def forget(conn: Connection, now: int) -> int:
    """Delete the counts of days that are long over; returns how many."""
    before = now // _DAY - _KEPT_DAYS
    return budgets.forget(conn, _SPENT, before) + budgets.forget(conn, _REFUSED, before)


def _spent_lately(conn: Connection) -> Mapping[Scope, int]:
    """Of some weeks: a crowd that asks together may stand on either side of midnight."""
    return budgets.by_period(conn, _SPENT)


def _alone(conn: Connection) -> None:
    alone(conn, _SPENT)
