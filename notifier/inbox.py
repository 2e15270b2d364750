"""The inbox: a recipient's notices, newest first, and what was read.

In: a recipient id (`recipients.recipient_of` finds it by account). Queries are `Select`s for whoever
holds a connection. Out: items in words; read marks, with a fact for the log. A notice read twice keeps
its first time.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, tuple_, update

from domain.notice import NoticeRead
from notifier import actor_news, facts, money_news, steps
from notifier.content import IN_APP, decode_content
from notifier.news import family
from notifier.rendering import Renderer
from notifier.schema import delivery, notice, recipient
from notifier.told_as import DELIVERIES, told_columns
from notifier.waiting import in_parts
from store.bulk_update import lock_all

_LOOKUPS_AT_ONCE: Final = 500


class InboxPlace(NamedTuple):
    """Where a page ends: the last item's keys. `planned_at`: microseconds."""

    planned_at: int
    notice_id: UUID


class InboxItem(NamedTuple):
    """One notice in words. `closed_at`: unix seconds of the ledger; the rest microseconds."""

    notice_id: UUID
    kind: str
    cause_event_id: str
    contract_id: str
    stream_id: int | None
    late: bool
    subject: str
    text: str
    link: str | None
    closed_at: int
    planned_at: int
    read_at: int | None


class Waiting(NamedTuple):
    """How an inbox stands. `newest`: id of the newest notice."""

    unread: int
    newest: UUID | None


def inbox_page(
    recipient_id: str, *, limit: int, after: InboxPlace | None = None, unread_only: bool = False
) -> Select[Any]:
    """Rows of `notice` beyond a place, newest first; an erased person's have no words and are left out."""
    page = (
        select(notice)
        .where(notice.c.recipient_id == recipient_id, notice.c.content.is_not(None))
        .order_by(notice.c.planned_at.desc(), notice.c.notice_id.desc())
        .limit(limit)
    )
    if unread_only:
        page = page.where(notice.c.read_at.is_(None))
    if after is not None:
        place = tuple_(notice.c.planned_at, notice.c.notice_id)
        page = page.where(
            place < tuple_(*after, types=[notice.c.planned_at.type, notice.c.notice_id.type])
        )
    return page


def unread_count(recipient_id: str) -> Select[int]:
    """How many notices wait to be read."""
    return select(func.count()).where(
        notice.c.recipient_id == recipient_id,
        notice.c.content.is_not(None),
        notice.c.read_at.is_(None),
    )


def newest_of(conn: Connection, lookups: Collection[str]) -> dict[str, int]:
    """When the newest notice of each account came (microseconds); accounts by `account_lookup`.

    One step into the index per account, however long its inbox is.
    """
    newest = (
        select(notice.c.planned_at)
        .where(notice.c.recipient_id == recipient.c.recipient_id)
        .order_by(notice.c.planned_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    found: dict[str, int] = {}
    for some in _in_parts(lookups):
        query = select(recipient.c.account_lookup, newest).where(
            recipient.c.account_lookup.in_(some)
        )
        found |= {lookup: at for lookup, at in conn.execute(query) if at is not None}
    return found


def waiting_of(conn: Connection, lookups: Collection[str]) -> dict[str, Waiting]:
    """How the inbox of each account stands; accounts without one are left out."""
    of_account = notice.c.recipient_id == recipient.c.recipient_id
    newest = (
        select(notice.c.notice_id)
        .where(of_account, notice.c.content.is_not(None))
        .order_by(notice.c.planned_at.desc(), notice.c.notice_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    unread = (
        select(func.count())
        .where(of_account, notice.c.content.is_not(None), notice.c.read_at.is_(None))
        .scalar_subquery()
    )
    found: dict[str, Waiting] = {}
    for some in _in_parts(lookups):
        query = select(recipient.c.account_lookup, unread, newest).where(
            recipient.c.account_lookup.in_(some)
        )
        found |= {row[0]: Waiting(row[1], row[2]) for row in conn.execute(query)}
    return found


def _in_parts(lookups: Collection[str]) -> Iterator[list[str]]:
    """SQLite takes at most 999 parameters in old builds."""
    wanted = list(lookups)
    for start in range(0, len(wanted), _LOOKUPS_AT_ONCE):
        yield wanted[start : start + _LOOKUPS_AT_ONCE]


def deliveries_of(conn: Connection, notice_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What became of notices on each channel beside the inbox."""
    found: dict[UUID, list[dict[str, Any]]] = {each: [] for each in notice_ids}
    rows = conn.execute(
        select(
            *(delivery.c.notice_id, delivery.c.channel, delivery.c.reason),
            *told_columns(),
        )
        .select_from(DELIVERIES)
        .where(delivery.c.notice_id.in_(notice_ids), delivery.c.channel != IN_APP)
        .order_by(delivery.c.channel, delivery.c.endpoint)
    )
    for row in rows:
        found[row.notice_id].append(row._asdict())
    return found


def item(row: Row[Any], renderer: Renderer) -> InboxItem:
    """A row of inbox_page in words."""
    content = actor_news.shown(decode_content(row.content), row.actor)
    content = money_news.shown(content, row.money)
    words = renderer.render(content, IN_APP, row.language, row.template_version)
    return InboxItem(
        row.notice_id,
        family(row.kind),
        row.cause_event_id,
        row.contract_id,
        row.stream_id,
        row.late,
        words.subject,
        words.text,
        content.link,
        row.closed_at,
        row.planned_at,
        row.read_at,
    )


def mark_read(
    conn: Connection, recipient_id: str, notice_ids: Sequence[UUID] | None, now: int
) -> int:
    """Mark these notices of the recipient as read (None: all); returns how many were unread.

    Somebody else's notices are left alone. `now`: microseconds.
    """
    theirs = (notice.c.recipient_id == recipient_id, notice.c.read_at.is_(None))
    wanted = select(notice.c.notice_id).where(*theirs)
    if notice_ids is not None:
        wanted = wanted.where(notice.c.notice_id.in_(notice_ids))
    unread = conn.scalars(wanted).all()
    steps.seen(conn, unread, now)
    return mark(conn, unread, now)


def lock(conn: Connection, where: ColumnElement[bool]) -> None:
    """Whoever changes several notices locks them first, by id, and only after all deliveries."""
    lock_all(conn, notice.c.notice_id, where)


def mark(conn: Connection, notice_ids: Sequence[UUID], now: int) -> int:
    """Mark notices whose steps have ended; returns how many were unread."""
    marked: list[UUID] = []
    for some in in_parts(sorted(notice_ids)):
        lock(conn, notice.c.notice_id.in_(some))
        marking = update(notice).where(notice.c.notice_id.in_(some), notice.c.read_at.is_(None))
        marked += conn.scalars(marking.values(read_at=now).returning(notice.c.notice_id))
    facts.remember(
        conn, [NoticeRead(notice_id, facts.NOT_YET, read_at=now) for notice_id in marked], now
    )
    return len(marked)
