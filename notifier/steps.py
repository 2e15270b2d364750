"""8f Steps: what was held for later ends when it was seen, when it arrived, or with the pause.

In: notices that were read, or arrived, or whose pause is over, in the transaction that says so. Out: their
held steps (ways.py), cancelled. Twice: what is cancelled is not held any more.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, or_, select, text

from notifier import states, taken_apart
from notifier.news import News
from notifier.purpose_schema import WAITING_STEP
from notifier.schema import delivery, notice
from notifier.states import CANCELLED, HELD
from notifier.waiting import Subject, in_parts
from notifier.ways import ARRIVED, ENDS, MATTERS, OVER, SEEN, STEP_UNTIL_DELIVERED, STEPS

# As the partial index has it: a parameter would hide it from SQLite.
_WAITS = text(" AND ".join(f"delivery.{each}" for each in WAITING_STEP.split(" AND ")))
_IS_STEP = or_(*(delivery.c.purpose == each for each in STEPS))
_AT_ONCE = 200

# Whose steps end: asked for again when a digest among them has been taken apart.
_Parts = Callable[[], Sequence[ColumnElement[bool]]]


def seen(conn: Connection, notice_ids: Sequence[UUID], now: int) -> int:
    """These notices were read; returns how many steps that ended."""
    if not _any_waits(conn):
        return 0
    parts = [
        delivery.c.notice_id.in_(notice_ids[start : start + _AT_ONCE])
        for start in range(0, len(notice_ids), _AT_ONCE)
    ]
    return _end(conn, lambda: parts, SEEN, now)


def arrived(conn: Connection, notice_id: UUID, now: int, *, digest: UUID | None = None) -> int:
    """A delivery of this notice arrived, as its provider confirms. `digest`: it told others along."""
    return _end(conn, lambda: [_until_arrived(notice_id, digest)], ARRIVED, now)


def ended_by_arrivals(
    conn: Connection, arrivals: Sequence[tuple[UUID, UUID | None]]
) -> Collection[UUID]:
    """Deliveries that `arrived` would lock for these notices, each with its digest."""
    if not arrivals or not _any_waits(conn):
        return set()
    return _concerned(conn, _waiting(conn, [_until_arrived(*each) for each in arrivals]))


def _until_arrived(notice_id: UUID, digest: UUID | None) -> ColumnElement[bool]:
    told: ColumnElement[bool] = delivery.c.notice_id == notice_id
    if digest is not None:
        along = delivery.alias("along")
        told |= delivery.c.notice_id.in_(
            select(along.c.notice_id).where(along.c.carried_by == digest)
        )
    return and_(told, delivery.c.purpose == STEP_UNTIL_DELIVERED)


def over(conn: Connection, news: Collection[News], now: int) -> int:
    """Pauses that this news ends; asked of the whole crowd at once whether any step waits at all."""
    ends = {
        # Once, however many people it is told to; what is newer ends what the older one does, too.
        (each.contract_id, each.stream_id): each
        for each in sorted(news, key=lambda one: one.position)
        if each.kind in ENDS
    }
    if not ends or not _any_waits(conn):
        return 0
    before = {subject: each.position for subject, each in ends.items()}

    def parts() -> list[ColumnElement[bool]]:
        told = _told_before(conn, before)
        return [delivery.c.notice_id.in_(some) for some in in_parts(told)]

    return _end(conn, parts, OVER, now)


def _told_before(conn: Connection, ends: Mapping[Subject, int]) -> list[UUID]:
    """The notices with steps that wait of pauses of these, each from before its position."""
    waiting = (
        select(notice.c.notice_id, notice.c.contract_id, notice.c.stream_id, notice.c.position)
        .distinct()
        .join(delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(
            _WAITS,
            _IS_STEP,
            notice.c.kind.in_(sorted(MATTERS)),
            notice.c.contract_id.in_(sorted({contract for contract, _ in ends})),
        )
    )
    streams = [stream for _, stream in ends if stream is not None]
    about = [notice.c.stream_id.in_(some) for some in in_parts(streams)]
    if len(streams) < len(ends):
        about.append(notice.c.stream_id.is_(None))
    return [
        row.notice_id
        for each in about
        for row in conn.execute(waiting.where(each))
        if row.position < ends.get((row.contract_id, row.stream_id), 0)
    ]


def _any_waits(conn: Connection) -> bool:
    return conn.execute(select(delivery.c.delivery_id).where(_WAITS).limit(1)).first() is not None


def _end(conn: Connection, parts: _Parts, reason: str, now: int) -> int:
    """Of all parts together: whoever locks several deliveries does so by id.

    A digest among them (it waits for money) is taken apart before: what it carries is told without it.
    """
    waiting = _waiting(conn, parts())
    apart = [each for each, is_digest in waiting.items() if is_digest]
    states.lock(conn, _concerned(conn, waiting))
    for some in in_parts(apart):
        taken_apart.dissolve(conn, delivery.c.delivery_id.in_(some), now)
    if apart:
        waiting = _waiting(conn, parts())  # what was carried may be of these parts too
    ended = 0
    for some in in_parts(waiting):
        moved = states.move_all(
            conn,
            delivery.c.delivery_id.in_(some),
            origin=frozenset({HELD}),
            to=CANCELLED,
            now=now,
            changes={"reason": reason, "token": None, "lease_until": None},
        )
        ended += len(moved)
    return ended


def _waiting(conn: Connection, parts: Sequence[ColumnElement[bool]]) -> dict[UUID, bool]:
    """The steps of these deliveries that wait, and whether each was to tell others along."""
    query = select(delivery.c.delivery_id, delivery.c.digest).where(_WAITS, _IS_STEP)
    return {row[0]: row[1] for part in parts for row in conn.execute(query.where(part))}


def _concerned(conn: Connection, waiting: Mapping[UUID, bool]) -> set[UUID]:
    """These, and what the digests among them carry."""
    carried = select(delivery.c.delivery_id)
    digests = [each for each, is_digest in waiting.items() if is_digest]
    return {
        *waiting,
        *(
            each
            for some in in_parts(digests)
            for each in conn.scalars(carried.where(delivery.c.carried_by.in_(some)))
        ),
    }
