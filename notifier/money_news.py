"""8e Money: a notice of a pause says what was earned until then, where that becomes known in time.

In: amounts that the contract's storage told (a MoneySource, wired by the composition root). Out: the inbox
shows them; letters that have not begun to leave too. Next: 9 relay.py.

An alert never waits for this. A letter that was tried keeps its words: a repeat reads the same to the byte.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection

from notifier.actor_news import put_beside
from notifier.content import Content, Money
from notifier.plan import planned_to
from notifier.running import run_until
from notifier.schema import notice
from store.engine import Database


class Counted(NamedTuple):
    """What one pause's cause (an event id) is to be told with; None: there is nothing to tell."""

    cause: str
    money: Money | None


class MoneySource(Protocol):
    """Who knows what was earned. Both run within the caller's transaction."""

    def untold(self, conn: Connection, planned_to: int) -> Sequence[Counted]:
        """Some of what nobody was told, of pauses planned up to that position; empty: all is told."""
        ...

    def handed_over(self, conn: Connection, causes: Collection[str]) -> None:
        """These are told now."""
        ...


class MoneyTeller:
    """A role of `notify`; any number of processes may run one."""

    def __init__(self, database: Database, source: MoneySource, *, poll_seconds: float) -> None:
        self._database = database
        self._source = source
        self._poll_seconds = poll_seconds

    def run(self, stop: threading.Event) -> None:
        """Tell until told to stop."""
        run_until(stop, self.step, pause=lambda: stop.wait(self._poll_seconds), role="money")

    def step(self) -> int:
        """Put what became known into notices; returns of how many pauses that was."""
        with self._database.read() as conn:
            if not self._source.untold(conn, planned_to(conn)):
                return 0
        with self._database.begin() as conn:
            found = self._source.untold(conn, planned_to(conn))
            tell_money(conn, {each.cause: each.money for each in found if each.money is not None})
            self._source.handed_over(conn, [each.cause for each in found])
        return len(found)


def tell_money(conn: Connection, counted: Mapping[str, Money]) -> None:
    """Put amounts into the notices of pauses. `counted`: {event id of the pause: what was earned}."""
    put_beside(conn, counted, notice.c.money, with_money)


def with_money(content: Content, money: Money) -> Content:
    """The content that says what was earned."""
    return msgspec.structs.replace(content, money=money)


def shown(content: Content, stored: bytes | None) -> Content:
    """The content of a notice with the amounts stored beside it, if there are any."""
    if stored is None:
        return content
    return with_money(content, msgspec.msgpack.decode(stored, type=Money))
