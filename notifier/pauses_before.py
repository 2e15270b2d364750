"""Pauses that planning met before it kept note of them: taken up once, by the first process that reminds.

In: streams and contracts that are paused and have no row among the lasting pauses. Out: rows, whose next
reminder is the first one that is still to come: nobody hears of the past.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, exists, select

from domain.state import CANCELLED, PAUSED, AggregateState
from domain.stream import StreamState
from domain.values import NetworkId, contract_uuid
from notifier import guard
from notifier.lasting import COLUMNS, MICROS
from notifier.reminder_schema import lasting_pause
from notifier.reminder_times import NEVER, Times
from notifier.schema import switch
from notifier.still_paused import contract_now, streams_now
from notifier.waiting import Subject
from store import bulk
from store.engine import Database
from store.schema import fanout, stream_state

NOT_TAKEN_UP = "pause_not_taken_up"
_AT_ONCE = 500
_TAKEN_UP = "reminders_taken_up"  # a switch that is turned once
_Found = tuple[UUID, Subject, AggregateState | None]


def take_up(database: Database, times: Times, network: NetworkId, now: int) -> int:
    """Take up what has no row yet; returns how many pauses. `now`: microseconds."""
    taken = 0
    with database.read() as conn:
        if conn.scalar(select(switch.c.value).where(switch.c.name == _TAKEN_UP)) is not None:
            return 0
        contracts = conn.scalars(select(fanout.c.contract_id).distinct()).all()
    for contract_id in contracts:
        with database.begin() as conn:
            name = contract_uuid(network, contract_id)
            with _contained(conn, name):
                found = [(name, (contract_id, None), contract_now(conn, name))]
                taken += _keep(conn, found, times, now)
    after: UUID | None = None
    while True:
        with database.begin() as conn:
            rows = _missing(conn, after)
            states = _states(conn, [row.originator_id for row in rows])
            places = ((row.originator_id, (row.contract_id, row.stream_id)) for row in rows)
            streams = [(name, place, states.get(name)) for name, place in places]
            taken += _keep(conn, streams, times, now)
            if len(rows) < _AT_ONCE:
                done = [(_TAKEN_UP, "done", now)]
                columns = ("name", "value", "changed_at")
                bulk.insert_many(conn, switch, columns, done, on_conflict="nothing")
                return taken
        after = rows[-1].originator_id


@contextmanager
def _contained(conn: Connection, name: UUID) -> Iterator[None]:
    """One that cannot be read is left out, with an error; planning notes its next pause."""
    try:
        with conn.begin_nested():
            yield
    except Exception as error:
        if not guard.is_defect(error):
            raise
        reason = guard.place_of(error)
        structlog.get_logger().error(NOT_TAKEN_UP, originator_id=str(name), reason=reason)


def _states(conn: Connection, names: Sequence[UUID]) -> dict[UUID, StreamState]:
    """How these stand, without those that cannot be read."""
    try:
        return streams_now(conn, names)
    except Exception as error:
        if not guard.is_defect(error):
            raise
    found: dict[UUID, StreamState] = {}
    for name in names:
        with _contained(conn, name):
            found |= streams_now(conn, [name])
    return found


def _missing(conn: Connection, after: UUID | None) -> Sequence[Row[UUID, str, int]]:
    known = exists().where(lasting_pause.c.originator_id == stream_state.c.originator_id)
    query = (
        select(stream_state.c.originator_id, stream_state.c.contract_id, stream_state.c.stream_id)
        .where(stream_state.c.status != CANCELLED, ~known)
        .order_by(stream_state.c.originator_id)
        .limit(_AT_ONCE)
    )
    if after is not None:
        query = query.where(stream_state.c.originator_id > after)
    return conn.execute(query).all()


def _keep(conn: Connection, found: Sequence[_Found], times: Times, now: int) -> int:
    rows = list(_rows(found, times, now))
    return bulk.insert_many(conn, lasting_pause, COLUMNS, rows, on_conflict="nothing")


def _rows(found: Sequence[_Found], times: Times, now: int) -> Iterator[bulk.Row]:
    for name, place, state in found:
        if state is None or state.status != PAUSED or state.status_cause is None:
            continue
        since = state.status_at or 0
        told = times.newest(now // MICROS - since)
        wait = times.of(told + 1)
        due_at = NEVER if wait is None else (since + wait) * MICROS
        yield (name, *place, state.status_cause, told, due_at, None)
