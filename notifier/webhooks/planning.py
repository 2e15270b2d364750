"""8b' Subscribers: news becomes a notice and a delivery for each webhook that wants it, once.

In: news from notices.py, in the transaction of planning. Out: notice and delivery rows; a delivery's
lane is the subscription and the stream, its place in it the position in the log.
Next: 9a turns.py keeps the order.
Twice: a subscription names its notices by a key of its own, so the same news meets the same rows.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
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


class _Subscription(NamedTuple):
    """A row of `webhook`, as far as it says who wants what."""

    webhook_id: UUID
    contract_id: str | None
    stream_id: int | None
    account_lookup: str | None
    kinds: str
    private: bytes
    state: str


_ASKED = tuple(webhook.c[name] for name in _Subscription._fields)
_EVERYBODYS = select(*_ASKED).where(webhook.c.account_lookup.is_(None), webhook.c.state == ACTIVE)


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
        """Each piece of news with each active subscription that wants it, and that notice's id.

        Whoever is posted each event needs no reminder of one.
        """
        news = [each for each in news if not each.is_reminder]
        concerned = [{self._lookup(each.account_id): None for each in one.audience} for one in news]
        active = _active(conn, set().union(*concerned)) if news else {}
        for one, lookups in zip(news, concerned, strict=True):
            for found in chain.from_iterable(active.get(each, ()) for each in (None, *lookups)):
                if _wants(found, one):
                    whom = self._opened(found.webhook_id, found.private)
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

    def _open(self, webhook_id: UUID, sealed: bytes) -> Recipient:
        key = opened(self._vault, webhook_id, sealed).notice_key
        # What the log calls a subscription where it names a recipient.
        name = privacy.recipient_id(key, str(webhook_id))
        return Recipient(name, key, DEFAULT_LANGUAGE, (Contact(webhook_id, WEBHOOK),))


def _active(conn: Connection, lookups: Collection[str]) -> dict[str | None, list[_Subscription]]:
    """Active subscriptions by the account whose news they get; under None those that get everybody's."""
    theirs = bulk.select_many(conn, _ASKED, webhook.c.account_lookup, sorted(lookups))
    active: dict[str | None, list[_Subscription]] = {}
    for row in (*conn.execute(_EVERYBODYS), *theirs):
        found = _Subscription(*row)
        if found.state == ACTIVE:
            active.setdefault(found.account_lookup, []).append(found)
    return active


def _wants(found: _Subscription, news: News) -> bool:
    """Whether it asked for such news; a correction is told to the one it is about alone."""
    return (
        found.contract_id in (None, news.contract_id)
        and found.stream_id in (None, news.stream_id)
        and (not found.kinds or news.kind in found.kinds.split())
        and (found.account_lookup is not None or news.kind != CORRECTION)
    )


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
