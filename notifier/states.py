"""13 The states of a delivery, the moves between them, and the one way to make a move.

In: who moves what from where to where. Out: the moved rows, and facts for the log where one matters.
Next: facts.py appends the facts.

    planned → held → pending → queued → claimed → handed_off → accepted → delivered | bounced | complained
    side exits: retry_wait, unknown, failed, suppressed, cancelled, expired

Each move is a compare-and-set on the state and on the claim's token or the queueing's generation, so
whoever comes late, twice or from the dead moves nothing.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Update, bindparam, or_, update

from domain.notice import DeliveryChanged
from notifier import facts
from notifier.purpose_schema import onward
from notifier.schema import delivery
from store.bulk import insert_many

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

# Another channel may have to carry the news.
CAME_TO_NOTHING = frozenset({FAILED, EXPIRED, BOUNCED, SUPPRESSED})

_RETURNED = (
    delivery.c.delivery_id,
    delivery.c.notice_id,
    delivery.c.channel,
    delivery.c.endpoint,
    delivery.c.contact_id,
    delivery.c.reason,
    delivery.c.generation,
    delivery.c.attempts,
    delivery.c.provider,
    delivery.c.planned_at,
    delivery.c.deadline_at,
    delivery.c.priority,
    delivery.c.bundle,
    delivery.c.digest,
    delivery.c.over_cap,
)


def move_one(  # noqa: PLR0913 # the row, the condition and the change of one compare-and-set
    conn: Connection,
    delivery_id: UUID,
    *,
    origin: frozenset[str],
    to: str,
    guard: Mapping[str, Any],
    now: int,
    changes: Mapping[str, Any],
) -> Row[Any] | None:
    """Move one delivery if it is where the caller left it; None: it is not, and nothing changed.

    `guard`: columns and the values they must still have (`token` or `generation`).
    """
    statement = _one(origin, to, tuple(guard), tuple(changes))
    values = {f"is_{name}": value for name, value in guard.items()}
    values |= {f"to_{name}": value for name, value in changes.items()}
    moved = conn.execute(
        statement, {"is_delivery_id": delivery_id, "to_updated_at": now} | values
    ).one_or_none()
    if moved is not None:
        _tell(conn, [moved], to, now)
    return moved


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
    moved = list(
        conn.execute(
            _moving(origin, to).where(where).values(updated_at=now, **changes).returning(*_RETURNED)
        )
    )
    _tell(conn, moved, to, now)
    return moved


# Built once per shape: composing the statement costs as much as running it.
@lru_cache(maxsize=64)
def _one(
    origin: frozenset[str], to: str, guarded: tuple[str, ...], changed: tuple[str, ...]
) -> Any:
    return (
        _moving(origin, to)
        .where(*(delivery.c[name] == bindparam(f"is_{name}") for name in ("delivery_id", *guarded)))
        .values({name: bindparam(f"to_{name}") for name in ("updated_at", *changed)})
        .returning(*_RETURNED)
    )


def _moving(origin: frozenset[str], to: str) -> Update:
    forbidden = sorted(state for state in origin if to not in MOVES[state])
    if forbidden:
        raise ValueError(f"no delivery moves from {', '.join(forbidden)} to {to}")
    # Not IN: SQLAlchemy expands it anew for every call, which costs as much as SQLite's work.
    stands = or_(*(delivery.c.state == state for state in sorted(origin)))
    return update(delivery).where(stands).values(state=to)


def look_for_another(conn: Connection, notice_ids: Collection[UUID], now: int) -> None:
    """Somebody who knows the person's other channels is to look at these notices (onward.py)."""
    rows = [(notice_id, now) for notice_id in sorted(notice_ids)]
    insert_many(conn, onward, ("notice_id", "created_at"), rows, on_conflict="nothing")


def _tell(conn: Connection, moved: list[Row[Any]], to: str, now: int) -> None:
    told = [row for row in moved if row.endpoint != CANARY]
    if to not in PROVEN or not told:
        return
    if to in CAME_TO_NOTHING:
        look_for_another(conn, {row.notice_id for row in told}, now)
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
            for row in told
        ],
        now,
    )
