"""11c The till: a letter that costs something is paid for right before it leaves, or it waits.

In: a claim, and its letter's price. Out: paid, or the delivery held and its news looking for a channel that
is free; what was provably not taken is paid back. Each in the transaction of the claim, mark or result.
"""

from sqlalchemy import Connection, update

from notifier import attempts
from notifier.attempts import Claim, Mark
from notifier.channels.channel import Letter
from notifier.ending import End
from notifier.result import Result
from notifier.schema import attempt
from notifier.spending import COST_CAP, Spending, cost_nothing
from notifier.states import HELD, look_for_another


class Till:
    """One process's; the money is counted in the database."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending

    def price(self, held: Claim, letter: Letter) -> int:
        """In millionths; 0: no price is set."""
        return self._spending.cost(held.channel, letter.text)

    def opens_for(self, wanted: Mark | End) -> bool:
        """Whether money is taken out for it, or put back."""
        if not self._spending.is_counted(wanted.held.channel):
            return False
        if isinstance(wanted, Mark):
            return wanted.cost > 0
        return wanted.result.cost > 0 and cost_nothing(wanted.result)

    def open(self, conn: Connection) -> None:
        """Nobody else takes or puts back money until this transaction ends."""
        self._spending.open(conn)

    def is_shut(self, conn: Connection, held: Claim, now: int) -> bool:
        """Whether the day's money is spent already: the delivery is held, and nothing is prepared."""
        if held.over_cap or not self._spending.is_spent(conn, held.channel, now):
            return False
        self._hold(conn, held, now)
        return True

    def pay(self, conn: Connection, held: Claim, price: int, now: int) -> bool:
        """Take the price out of the day's money; False: it is not there, and the delivery is held."""
        if not price or self._spending.take(conn, held.channel, price, now, beyond=held.over_cap):
            return True
        self._hold(conn, held, now)
        return False

    def pay_back(self, conn: Connection, held: Claim, price: int, paid_at: int) -> None:
        """Of what was not handed off after all."""
        if price:
            self._spending.give_back(conn, held.channel, price, paid_at)

    def settle(self, conn: Connection, held: Claim, result: Result) -> None:
        """Of what was handed off and provably not taken; whatever else came of it stays paid."""
        if not result.cost or not cost_nothing(result):
            return
        mine = (attempt.c.delivery_id == held.delivery_id, attempt.c.n == held.attempt_number)
        uncounting = update(attempt).where(*mine).values(cost=0).returning(attempt.c.handed_off_at)
        self.pay_back(conn, held, result.cost, conn.execute(uncounting).scalar_one())

    def _hold(self, conn: Connection, held: Claim, now: int) -> None:
        """Until the next day, or an operator's word, or until another channel has the news."""
        until = self._spending.refuse(conn, held.channel, now)
        attempts.drop(conn, held, to=HELD, now=now, reason=COST_CAP, available_at=until)
        look_for_another(conn, {held.notice_id}, now)
