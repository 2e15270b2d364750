"""The log: every domain event once, in the order in which we learned, at positions 1, 2, 3 … n.

Each append takes its positions from the one row of `log_head`, which stays locked until commit and is
rolled back with it: positions have no holes and stand in commit order, on both databases and under
any number of writers. An appended event is never changed (triggers refuse it).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from domain.chain_order import DomainEvent
from store.bulk import insert_many
from store.errors import FenceLost, SchemaBehind, VersionConflict
from store.mapper import decode, encode
from store.schema import log_head, recorded_event, stream_state

_COLUMNS = ("position", "originator_id", "originator_version", "topic", "state", "recorded_at")
_IDS_AT_ONCE = 500  # SQLite takes at most 999 parameters in old builds

EncodedEvent = tuple[UUID, int, str, bytes]


class Recorded(NamedTuple):
    """A recorded event; `recorded_at`: microseconds, when its transaction was written."""

    position: int
    event: DomainEvent
    recorded_at: int


def append(
    conn: Connection, events: Sequence[DomainEvent], *, recorded_at: int, fence: int | None = None
) -> int:
    """Append events in their order; returns the last position. Raises as append_rows."""
    rows = [(event.originator_id, event.originator_version, *encode(event)) for event in events]
    return append_rows(conn, rows, recorded_at=recorded_at, fence=fence)


def append_rows(
    conn: Connection,
    rows: Sequence[EncodedEvent],
    *,
    recorded_at: int,
    fence: int | None = None,
) -> int:
    """Append encoded events (originator, version, topic, state); returns the last position.

    No rows: the head is not locked. Raises FenceLost where the head carries another fence,
    VersionConflict where an originator has that version already; the transaction is lost then.
    """
    if not rows:
        return head(conn)
    last = _advance_head(conn, len(rows), fence)
    first = last - len(rows) + 1
    positioned = [(at, *row, recorded_at) for at, row in enumerate(rows, start=first)]
    try:
        insert_many(conn, recorded_event, _COLUMNS, positioned, on_conflict="error")
    except IntegrityError as error:
        raise VersionConflict("a version of this slice is in the log already") from error
    return last


def _advance_head(conn: Connection, by: int, fence: int | None) -> int:
    statement = update(log_head).where(log_head.c.id == 1)
    if fence is not None:
        statement = statement.where(log_head.c.fence == fence)
    moved = statement.values(position=log_head.c.position + by).returning(log_head.c.position)
    position: int | None = conn.execute(moved).scalar()
    if position is None:
        if fence is None:
            raise SchemaBehind("the log has no head row: run `pausewire db upgrade`")
        raise FenceLost(fence)
    return position


def head(conn: Connection) -> int:
    """The last position, 0 when nothing is recorded. Raises SchemaBehind."""
    position: int | None = conn.execute(select(log_head.c.position)).scalar()
    if position is None:
        raise SchemaBehind("the log has no head row: run `pausewire db upgrade`")
    return position


_RECORDED: Select[int, UUID, int, str, bytes, int] = select(
    recorded_event.c.position,
    recorded_event.c.originator_id,
    recorded_event.c.originator_version,
    recorded_event.c.topic,
    recorded_event.c.state,
    recorded_event.c.recorded_at,
)
_AFTER = (
    _RECORDED.where(recorded_event.c.position > bindparam("after"))
    .order_by(recorded_event.c.position)
    .limit(bindparam("limit"))
)

_OF_CHAIN = _AFTER.where(
    recorded_event.c.position <= bindparam("up_to"),
    or_(recorded_event.c.topic.like("stream.%"), recorded_event.c.topic.like("contract.%")),
)


_OF_CHAIN_BACK = (
    _RECORDED.where(
        recorded_event.c.position < bindparam("before"),
        or_(recorded_event.c.topic.like("stream.%"), recorded_event.c.topic.like("contract.%")),
    )
    .order_by(recorded_event.c.position.desc())
    .limit(bindparam("limit"))
)


def read_after(conn: Connection, position: int, limit: int) -> list[Recorded]:
    """The next events beyond a position, in order."""
    return _decoded(conn.execute(_AFTER, {"after": position, "limit": limit}).all())


def read_at(conn: Connection, positions: Sequence[int]) -> dict[int, Recorded]:
    """The events at these positions; a position beyond the head has none."""
    found: dict[int, Recorded] = {}
    for start in range(0, len(positions), _IDS_AT_ONCE):
        some = positions[start : start + _IDS_AT_ONCE]
        rows = conn.execute(_RECORDED.where(recorded_event.c.position.in_(some))).all()
        found.update((recorded.position, recorded) for recorded in _decoded(rows))
    return found


def read_of_chain(conn: Connection, position: int, *, up_to: int, limit: int) -> list[Recorded]:
    """The next events of streams and contracts beyond a position and up to another one, in order."""
    values = {"after": position, "up_to": up_to, "limit": limit}
    return _decoded(conn.execute(_OF_CHAIN, values).all())


def read_of_chain_back(conn: Connection, before: int, *, limit: int) -> list[Recorded]:
    """The newest events of streams and contracts before a position, newest first."""
    return _decoded(conn.execute(_OF_CHAIN_BACK, {"before": before, "limit": limit}).all())


def read_aggregate(
    conn: Connection, originator_id: UUID, *, up_to: int | None = None
) -> list[Recorded]:
    """One aggregate's events by version; `up_to`: only those at positions up to this one."""
    return read_aggregates(conn, [originator_id], up_to=up_to)[originator_id]


def read_back(
    conn: Connection, originator_id: UUID, before_version: int, *, limit: int
) -> list[Recorded]:
    """One aggregate's newest events before a version, newest first."""
    statement = (
        _RECORDED.where(
            recorded_event.c.originator_id == originator_id,
            recorded_event.c.originator_version < before_version,
        )
        .order_by(recorded_event.c.originator_version.desc())
        .limit(limit)
    )
    return _decoded(conn.execute(statement).all())


def read_aggregates(
    conn: Connection, ids: Iterable[UUID], *, up_to: int | None = None
) -> dict[UUID, list[Recorded]]:
    """The events of several aggregates, each by version; every id asked for has an entry."""
    found: dict[UUID, list[Recorded]] = {each: [] for each in ids}
    wanted = list(found)
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        some = wanted[start : start + _IDS_AT_ONCE]
        statement = _RECORDED.where(recorded_event.c.originator_id.in_(some)).order_by(
            recorded_event.c.originator_id, recorded_event.c.originator_version
        )
        if up_to is not None:
            statement = statement.where(recorded_event.c.position <= up_to)
        for recorded in _decoded(conn.execute(statement).all()):
            found[recorded.event.originator_id].append(recorded)
    return found


_BEYOND_STATE = _RECORDED.join(
    stream_state,
    (stream_state.c.originator_id == recorded_event.c.originator_id)
    & (stream_state.c.version < recorded_event.c.originator_version),
).order_by(recorded_event.c.originator_id, recorded_event.c.originator_version)


def read_beyond_state(conn: Connection, ids: Sequence[UUID]) -> Iterator[DomainEvent]:
    """What streams have recorded since their row of `stream_state` was written, each by version."""
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = stream_state.c.originator_id.in_(ids[start : start + _IDS_AT_ONCE])
        for recorded in _decoded(conn.execute(_BEYOND_STATE.where(some)).all()):
            yield recorded.event


def _decoded(rows: Sequence[Row[int, UUID, int, str, bytes, int]]) -> list[Recorded]:
    return [
        Recorded(position, decode(topic, state, originator_id, version), recorded_at)
        for position, originator_id, version, topic, state, recorded_at in rows
    ]
