"""8b' Subscribers: news becomes a notice and a delivery for each webhook that wants it, once.

In: news from notices.py, in the transaction of planning. Out: notice and delivery rows; a delivery's
lane is the subscription and the stream, its place in it the position in the log.
Next: 9a turns.py keeps the order.
Twice: a subscription names its notices by a key of its own, so the same news meets the same rows.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from notifier import privacy, states
from notifier.news import CORRECTION, Listener, News
from notifier.places import MICROS, ONE_PLACE, PRIORITIES
from notifier.privacy import Vault
from notifier.recipients import DEFAULT_LANGUAGE, Contact, Recipient
from notifier.schema import delivery
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import ACTIVE, WEBHOOK, opened
from store import bulk

# As whom a subscription is told.
SUBSCRIBER = Listener(account_id="", role="subscriber")
_OPENED = 10_000  # subscriptions whose keys one process keeps open
_ACTIVE = select(
    webhook.c.webhook_id,
    webhook.c.contract_id,
    webhook.c.stream_id,
    webhook.c.account_lookup,
    webhook.c.kinds,
    webhook.c.private,
).where(webhook.c.state == ACTIVE)
_COLUMNS = (
    "delivery_id",
    "notice_id",
    "channel",
    "endpoint",
    "contact_id",
    "state",
    "generation",
    "priority",
    "available_at",
    "deadline_at",
    "attempts",
    "possible_duplicate",
    "planned_at",
    "updated_at",
    "lane",
    "lane_position",
)


class Subscribers:
    """Finds who wants which news. `retry_seconds`: how long what they are posted may take."""

    def __init__(self, vault: Vault, *, retry_seconds: int) -> None:
        self._vault = vault
        self._retry_micros = retry_seconds * MICROS
        self._opened = lru_cache(_OPENED)(self._open)
        self._lookup = lru_cache(_OPENED)(vault.account_lookup)

    def wanting(
        self, conn: Connection, news: Sequence[News], network: str
    ) -> Iterator[tuple[UUID, News, Recipient]]:
        """Each piece of news with each active subscription that wants it, and that notice's id."""
        rows = conn.execute(_ACTIVE).all() if news else []
        for one in news:
            concerned = {self._lookup(each.account_id) for each in one.audience} if rows else set()
            for row in rows:
                if self._wants(row, one, concerned):
                    whom = self._opened(row.webhook_id, row.private)
                    key = whom.key or b""  # never erased: a deleted subscription is not active
                    yield privacy.notice_id(key, network, one.cause, one.kind), one, whom

    def write_posts(
        self, conn: Connection, told: Iterable[tuple[UUID, News, Recipient]], now: int
    ) -> None:
        """One delivery for each notice. `now`: microseconds.

        Its time counts from now: a receiver mirrors what happened, so old news is news to it too.
        """
        deadline_at = now + self._retry_micros
        rows = [_row(*each, deadline_at, now) for each in told]
        bulk.insert_many(conn, delivery, _COLUMNS, rows, on_conflict="nothing")

    def _wants(self, row: Any, news: News, concerned: Collection[str]) -> bool:
        """`concerned`: lookups of its audience. A correction is told to the one it is about alone.

        Whoever is posted each event needs no reminder of one.
        """
        if news.is_reminder:
            return False
        if row.contract_id is not None and row.contract_id != news.contract_id:
            return False
        if row.stream_id is not None and row.stream_id != news.stream_id:
            return False
        if row.kinds and news.kind not in row.kinds.split():
            return False
        if row.account_lookup is None:
            return news.kind != CORRECTION
        return row.account_lookup in concerned

    def _open(self, webhook_id: UUID, sealed: bytes) -> Recipient:
        key = opened(self._vault, webhook_id, sealed).notice_key
        # What the log calls a subscription where it names a recipient.
        name = privacy.recipient_id(key, str(webhook_id))
        return Recipient(name, key, DEFAULT_LANGUAGE, (Contact(webhook_id, WEBHOOK),))


def _row(notice_id: UUID, news: News, whom: Recipient, deadline_at: int, now: int) -> bulk.Row:
    webhook_id = whom.contacts[0].contact_id
    endpoint = str(webhook_id)
    stream = ONE_PLACE if news.stream_id is None else news.stream_id
    return (
        privacy.delivery_id(notice_id, WEBHOOK, endpoint),
        notice_id,
        WEBHOOK,
        endpoint,
        webhook_id,
        states.PENDING,
        0,
        PRIORITIES[news.kind],
        now,
        deadline_at,
        0,
        False,
        now,
        now,
        f"{endpoint}:{news.contract_id}:{stream}",
        news.position,
    )
