"""8i Settlement: a notice of a cancellation says what the contract paid to whom.

In: the amounts of the event, and the name of the stream's token where that is known by then (a
Settlements, wired by the composition root). Out: news with money. An alert never waits for a name.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from notifier.content import Money
from notifier.news import News, Paid


class Settlements(Protocol):
    """Who knows what the tokens of streams are called."""

    def settled(
        self, conn: Connection, contract_id: str, stream_id: int, paid: Paid
    ) -> Money | None:
        """What was paid, as people count it; None: it is not known, or nothing was said."""
        ...


def with_settlements(
    conn: Connection, source: Settlements | None, news: Sequence[News]
) -> Sequence[News]:
    """The same news; those of cancellations with what was paid."""
    if source is None or all(each.paid is None for each in news):
        return news
    return [_with_money(conn, source, each) for each in news]


def _with_money(conn: Connection, source: Settlements, news: News) -> News:
    if news.paid is None or news.stream_id is None:
        return news
    money = source.settled(conn, news.contract_id, news.stream_id, news.paid)
    return news._replace(money=money)
