"""8c Fan-out: news about a whole contract reaches everybody who has a stream in it, step by step.

In: fan-out rows written by planning. Out: notices, at most 1,000 a transaction, each recipient once per
event however many streams it has. Next: 9 relay.py.
Twice: the row is locked while a step is taken, and keeps the last stream served. A contract's fan-outs are
served one after the other, or a second process would tell that it goes on before all know that it stands.

The parties are those of `stream_state` when the step is taken: a stream may have changed hands since.
Cancelled streams are left out.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from domain.chain_order import HistoryRevised, Step, placed_facts, walk
from domain.contract import CONTRACT_RULES, RangeFilled
from domain.state import CANCELLED
from notifier import guard
from notifier.news import Listener, News, contract_kind, listeners, status_news
from notifier.notices import NoticeWriter
from notifier.revisions import change_by, revision_note, status_step
from store import bulk
from store.log import Recorded, read_after, read_aggregate
from store.schema import fanout, stream_state

TELLING = "running"  # tells everybody how the contract stands
NOTING = "noting"  # a note in the inbox: only the past changed
DONE = "done"

_OPEN = (TELLING, NOTING)
STREAMS_PER_STEP = 500  # two parties each
StreamRow = Row[int, str | None, str | None]
_COLUMNS = ("event_id", "position", "contract_id", "state", "created_at")


def begin(
    conn: Connection, *, cause: str, position: int, contract_id: str, state: str, now: int
) -> None:
    """Have everybody in a contract told; the same cause again changes nothing."""
    row = (cause, position, contract_id, state, now)
    bulk.insert_many(conn, fanout, _COLUMNS, [row], on_conflict="nothing")


def lock(conn: Connection, position: int) -> bool:
    """Whether the event at a position has begun a fan-out; no step of it is taken meanwhile."""
    begun = select(fanout.c.event_id).where(fanout.c.position == position).with_for_update()
    return conn.execute(begun).first() is not None


def begin_again(conn: Connection, position: int) -> None:
    """Have everybody told whom a step at fault left out; who was told is not told twice."""
    conn.execute(
        update(fanout).where(fanout.c.position == position).values(state=TELLING, after_stream=None)
    )


def stop(conn: Connection, causes: Sequence[str], contract_id: str) -> int:
    """End fan-outs whose news no longer holds; returns how many were still under way."""
    ended = conn.execute(
        update(fanout)
        .where(
            fanout.c.contract_id == contract_id,
            fanout.c.event_id.in_(causes),
            fanout.c.state == TELLING,
        )
        .values(state=DONE)
    )
    return ended.rowcount


def take_step(conn: Connection, writer: NoticeWriter, now: int) -> bool:
    """Serve the next streams of the oldest fan-out; False: there is none to serve."""
    earlier = fanout.alias("earlier")
    is_first = ~exists().where(
        earlier.c.contract_id == fanout.c.contract_id,
        earlier.c.position < fanout.c.position,
        earlier.c.state.in_(_OPEN),
    )
    row = conn.execute(
        select(fanout)
        .where(fanout.c.state.in_(_OPEN), is_first)
        .order_by(fanout.c.position)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return False
    streams = streams_after(conn, row.contract_id, row.after_stream)
    more = len(streams) == STREAMS_PER_STEP
    changes: dict[str, Any] = {"after_stream": streams[-1].stream_id} if more else {"state": DONE}
    with guard.contained(conn, row.position, now):
        told = contract_news(conn, row)._replace(audience=audience_of(streams))
        writer.write(conn, [told], now)
    conn.execute(update(fanout).where(fanout.c.event_id == row.event_id).values(changes))
    return True


def streams_after(
    conn: Connection, contract_id: str, after_stream: int | None
) -> Sequence[StreamRow]:
    """The next streams of a contract that are not cancelled; fewer than STREAMS_PER_STEP: the last ones."""
    statement = (
        select(stream_state.c.stream_id, stream_state.c.employer, stream_state.c.employee)
        .where(stream_state.c.contract_id == contract_id, stream_state.c.status != CANCELLED)
        .order_by(stream_state.c.stream_id)
        .limit(STREAMS_PER_STEP)
    )
    if after_stream is not None:
        statement = statement.where(stream_state.c.stream_id > after_stream)
    return conn.execute(statement).all()


def everybody_in(conn: Connection, contract_id: str) -> tuple[Listener, ...]:
    """Whom a contract's news concerns now, all at once: for reading, not for telling."""
    return audience_of(
        conn.execute(
            select(stream_state.c.stream_id, stream_state.c.employer, stream_state.c.employee)
            .where(stream_state.c.contract_id == contract_id, stream_state.c.status != CANCELLED)
            .order_by(stream_state.c.stream_id)
        ).all()
    )


def audience_of(streams: Sequence[StreamRow]) -> tuple[Listener, ...]:
    """Whom these streams concern, each once."""
    people: dict[str, Listener] = {}
    for stream in streams:
        for listener in listeners(stream.employer, stream.employee):
            people.setdefault(listener.account_id, listener)
    return tuple(people.values())


def contract_news(conn: Connection, row: Row[Any]) -> News:
    """What a fan-out tells, without its audience: read from the log as known at the row's position."""
    (told_by,) = read_after(conn, row.position - 1, 1)
    event = told_by.event
    if isinstance(event, HistoryRevised | RangeFilled):
        change = change_by(
            conn, CONTRACT_RULES, event.originator_id, late_news=event, position=row.position
        )
        if row.state == NOTING:
            return revision_note(change, told_by, row.event_id)
        return _status(change.after, told_by, late=True)
    past = read_aggregate(conn, event.originator_id, up_to=row.position)
    steps = list(walk(CONTRACT_RULES, placed_facts(each.event for each in past)))
    return _status(steps, told_by, late=False)


def _status(steps: Sequence[Step], told_by: Recorded, *, late: bool) -> News:
    step = status_step(steps)
    if step is None:
        raise LookupError(f"position {told_by.position} tells no contract-wide status")
    return status_news(step, contract_kind(step.after), told_by, late=late)
