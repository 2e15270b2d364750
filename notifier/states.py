"""13 The states of a delivery, the moves between them, and the one way to make a move.

In: who moves what from where to where. Out: the moved rows, and facts for the log where one matters.
Next: facts.py appends the facts.

    planned → held → pending → queued → claimed → handed_off → accepted → delivered | bounced | complained
    side exits: retry_wait, unknown, failed, suppressed, cancelled, expired

Each move is a compare-and-set on the state and on the claim's token or the queueing's generation, so
whoever comes late, twice or from the dead moves nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, or_, select, update

from domain.notice import DeliveryChanged
from notifier import facts
from notifier.purpose_schema import onward
from notifier.schema import delivery
from store import bulk_update
from store.bulk import insert_many
from store.bulk_update import lock_many, update_many

PLANNED = "planned"
HELD = "held"
PENDING = "pending"
QUEUED = "queued"
CLAIMED = "claimed"
HANDED_OFF = "handed_off"
ACCEPTED = "accepted"
DELIVERED = "delivered"
BOUNCED = "bounced"
COMPLAINED = "complained"
RETRY_WAIT = "retry_wait"
UNKNOWN = "unknown"
FAILED = "failed"
SUPPRESSED = "suppressed"
CANCELLED = "cancelled"
EXPIRED = "expired"

# The endpoint of canaries (canary.py): they tell nobody, and the log nothing.
CANARY = "canary"

_WITHDRAWN = frozenset({CANCELLED, EXPIRED, SUPPRESSED})
_ARRIVED = frozenset({DELIVERED})
MOVES: Mapping[str, frozenset[str]] = {
    PLANNED: frozenset({HELD, PENDING}) | _WITHDRAWN,
    HELD: frozenset({PENDING}) | _WITHDRAWN,
    # Straight to delivered: an earlier try, whose end nobody knew, has arrived after all.
    # Back to held: it is gathered with what came after it.
    PENDING: frozenset({QUEUED, HELD}) | _ARRIVED | _WITHDRAWN,
    QUEUED: frozenset({CLAIMED, PENDING, HELD}) | _ARRIVED | _WITHDRAWN,
    # From claimed the outcome can come without a hand-off: nothing has left, all ends are open.
    CLAIMED: frozenset({HANDED_OFF, PENDING, HELD, RETRY_WAIT, FAILED}) | _ARRIVED | _WITHDRAWN,
    HANDED_OFF: frozenset({ACCEPTED, DELIVERED, RETRY_WAIT, FAILED, EXPIRED, UNKNOWN}),
    RETRY_WAIT: frozenset({QUEUED, PENDING, HELD}) | _ARRIVED | _WITHDRAWN,
    # A late answer, a callback or a person may still settle it.
    UNKNOWN: frozenset(
        {ACCEPTED, DELIVERED, BOUNCED, COMPLAINED, RETRY_WAIT, FAILED, EXPIRED, PENDING}
    ),
    ACCEPTED: frozenset({DELIVERED, BOUNCED, COMPLAINED}),
    DELIVERED: frozenset({BOUNCED, COMPLAINED}),
    BOUNCED: frozenset({COMPLAINED}),
    COMPLAINED: frozenset(),
    FAILED: frozenset({PENDING}) | _ARRIVED,
    SUPPRESSED: frozenset(),
    # A revision that withdrew it may itself be revised, and the digest that carried it taken apart.
    CANCELLED: frozenset({PENDING, HELD}),
    EXPIRED: frozenset({PENDING}) | _ARRIVED,
}
# Nothing has left yet and nobody is about to let it.
WITHDRAWABLE = frozenset({PLANNED, HELD, PENDING, QUEUED, CLAIMED, RETRY_WAIT})
# What a proof of notice tells; the others are our own housekeeping.
PROVEN = frozenset(
    {ACCEPTED, DELIVERED, BOUNCED, COMPLAINED, UNKNOWN, FAILED, SUPPRESSED, CANCELLED, EXPIRED}
)

_AT_ONCE = 500  # SQLite takes at most 999 parameters in old builds
# Another channel may have to carry the news.
CAME_TO_NOTHING = frozenset({FAILED, EXPIRED, BOUNCED, SUPPRESSED})


class Moved(NamedTuple):
    """A delivery that was moved, as it is now."""

    delivery_id: UUID
    notice_id: UUID
    channel: str
    endpoint: str
    contact_id: UUID | None
    reason: str | None
    generation: int
    attempts: int
    provider: str | None
    planned_at: int
    deadline_at: int
    priority: int
    bundle: str | None
    digest: bool
    over_cap: bool


_RETURNED = tuple(delivery.c[name] for name in Moved._fields)


class Move(NamedTuple):
    """One compare-and-set. `guard`: columns and the values they must still have: token, generation."""

    delivery_id: UUID
    origin: frozenset[str]
    to: str
    guard: Mapping[str, Any]
    now: int
    changes: Mapping[str, Any]


def lock(conn: Connection, delivery_ids: Collection[UUID]) -> None:
    """Whoever moves several at once locks them first, by id: then nobody waits in a circle."""
    if len(delivery_ids) > 1:
        lock_many(conn, delivery.c.delivery_id, delivery_ids)


def lock_free(conn: Connection, delivery_ids: Collection[UUID]) -> set[UUID]:
    """Of these, those that nobody else has; they are locked now, and nobody is waited for."""
    wanted, key = sorted(delivery_ids), delivery.c.delivery_id
    parts = (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))
    free = select(key).order_by(key).with_for_update(skip_locked=True)
    return {each for some in parts for each in conn.scalars(free.where(key.in_(some)))}


def lock_all(conn: Connection, where: ColumnElement[bool]) -> None:
    """The same of all that meet a condition."""
    bulk_update.lock_all(conn, delivery.c.delivery_id, where)


def move_each(conn: Connection, moves: Sequence[Move]) -> list[Moved | None]:
    """Move each delivery that is where its caller left it; None: it is not, and nothing changed.

    Moves that are alike are one statement. Whoever moves many locks them first (`lock`).
    """
    alike: dict[Any, list[int]] = {}
    for place, each in enumerate(moves):
        shape = (each.origin, each.to, tuple(each.guard), tuple(each.changes))
        alike.setdefault(shape, []).append(place)
    found: list[Moved | None] = [None] * len(moves)
    for (origin, to, guarded, changed), places in alike.items():
        rows = [_row_of(moves[place], to) for place in places]
        answers = update_many(
            conn,
            delivery,
            ("delivery_id", *guarded),
            ("state", "updated_at", *changed),
            rows,
            where=_stands(origin, to),
            returning=_RETURNED,
        )
        for place, answer in zip(places, answers, strict=True):
            found[place] = None if answer is None else Moved(*answer)
        told = [(found[place], moves[place].now) for place in places]
        _tell(conn, [(row, now) for row, now in told if row is not None], to)
    return found


def move_one(  # noqa: PLR0913 # the row, the condition and the change of one compare-and-set
    conn: Connection,
    delivery_id: UUID,
    *,
    origin: frozenset[str],
    to: str,
    guard: Mapping[str, Any],
    now: int,
    changes: Mapping[str, Any],
) -> Moved | None:
    """The same of one."""
    return move_each(conn, [Move(delivery_id, origin, to, guard, now, changes)])[0]


def move_all(
    conn: Connection,
    where: ColumnElement[bool],
    *,
    origin: frozenset[str],
    to: str,
    now: int,
    changes: Mapping[str, Any],
) -> list[Row[Any]]:
    """Move every delivery that meets a condition, in one statement."""
    _allow(origin, to)
    # Not IN: SQLAlchemy expands it anew for every call, which costs as much as SQLite's work.
    stands = or_(*(delivery.c.state == state for state in sorted(origin)))
    moving = update(delivery).where(stands, where).values(state=to, updated_at=now, **changes)
    moved = list(conn.execute(moving.returning(*_RETURNED)))
    _tell(conn, [(row, now) for row in moved], to)
    return moved


def _row_of(move: Move, to: str) -> tuple[Any, ...]:
    return (move.delivery_id, *move.guard.values(), to, move.now, *move.changes.values())


def _stands(origin: frozenset[str], to: str) -> str:
    """The condition on the state, as SQL."""
    _allow(origin, to)
    return f"delivery.state IN ({', '.join(repr(state) for state in sorted(origin))})"


def _allow(origin: frozenset[str], to: str) -> None:
    forbidden = sorted(state for state in origin if to not in MOVES[state])
    if forbidden:
        raise ValueError(f"no delivery moves from {', '.join(forbidden)} to {to}")


def look_for_another(conn: Connection, notice_ids: Collection[UUID], now: int) -> None:
    """Somebody who knows the person's other channels is to look at these notices (onward.py)."""
    rows = [(notice_id, now) for notice_id in sorted(notice_ids)]
    insert_many(conn, onward, ("notice_id", "created_at"), rows, on_conflict="nothing")


def _tell(conn: Connection, moved: Sequence[tuple[Moved | Row[Any], int]], to: str) -> None:
    """Facts of these moves, each with its time."""
    told = [each for each in moved if each[0].endpoint != CANARY]
    if to not in PROVEN or not told:
        return
    latest = max(now for _, now in told)
    if to in CAME_TO_NOTHING:
        look_for_another(conn, {row.notice_id for row, _ in told}, latest)
    facts.remember(
        conn,
        [
            DeliveryChanged(
                originator_id=row.notice_id,
                originator_version=facts.NOT_YET,
                delivery_id=row.delivery_id,
                channel=row.channel,
                endpoint=row.endpoint,
                state=to,
                reason=row.reason,
                attempt=row.attempts,
                provider=row.provider,
                changed_at=now,
            )
            for row, now in told
        ],
        latest,
    )
