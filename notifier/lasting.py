"""8h Pauses that last: planning keeps note of each, and of when it ended.

In: what planning meets, in its transaction. Out: a row for each stream or contract that is paused; what
was to be reminded of a pause that is over, or of a stream that is somebody else's now, is withdrawn.
Next: 8i reminders.py.

The row is a lock as well: whoever reminds holds it, so that a pause's end is planned either before a
reminder is made, or after, and withdraws it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, not_, or_, select

from domain.chain_order import DomainEvent, FactJudged, HistoryRevised
from domain.contract import ContractState
from domain.facts import ContractPauseSet, Fact, StreamFact
from domain.state import PAUSED, AggregateState
from domain.stream import StreamState
from notifier import withdrawing
from notifier.news import REMINDER, stream_of
from notifier.recipients import Roster
from notifier.reminder_schema import lasting_pause
from notifier.reminder_times import NEVER, Times
from notifier.schema import notice
from notifier.waiting import Subject
from notifier.ways import OVER
from store import bulk
from store.log import read_aggregate

SOMEBODY_ELSES = "somebody_elses"  # why a reminder did not leave
MICROS = 1_000_000
COLUMNS = tuple(lasting_pause.c.keys())
_KEY = ("originator_id",)
_AT_ONCE = 500  # SQLite takes at most 999 parameters in old builds


class Standing(NamedTuple):
    """How a stream or contract stands. `cause`: of its pause, None: it is not paused.

    `place`: contract and stream, None: the event does not name them. `since`: unix seconds.
    """

    place: Subject | None
    cause: str | None
    since: int
    parties: tuple[str, ...] = ()


Changed = dict[UUID, Standing]


def of_state(state: AggregateState, place: Subject | None = None) -> Standing:
    """As a folded state tells it."""
    parties: tuple[str, ...] = ()
    if isinstance(state, StreamState):
        parties = tuple(each for each in (state.employer, state.employee) if each is not None)
    cause = state.status_cause if state.status == PAUSED else None
    return Standing(place, cause, state.status_at or 0, parties)


def note_stream(
    changed: Changed, event: DomainEvent, before: StreamState, after: StreamState
) -> None:
    """A stream's event was met. `changed`: takes in where its pause, or whose it is, did."""
    if PAUSED not in (before.status, after.status):
        return
    fact = getattr(event, "fact", None)
    place = (fact.contract_id, fact.stream_id) if isinstance(fact, StreamFact) else None
    was, became = of_state(before, place), of_state(after, place)
    if was != became:
        changed[event.originator_id] = became


def note_contract(changed: Changed, event: FactJudged | HistoryRevised) -> None:
    """A contract's event was met: a change of its pause on time, or a revision."""
    if isinstance(event, HistoryRevised):
        if isinstance(event.state, ContractState):
            changed[event.originator_id] = of_state(event.state)
    elif isinstance(event.fact, ContractPauseSet):
        fact = event.fact
        cause = fact.event_id if fact.paused else None
        changed[event.originator_id] = Standing((fact.contract_id, None), cause, fact.closed_at)


class Lasting:
    """Keeps the table of pauses that last, within planning's transaction."""

    def __init__(self, roster: Roster, times: Times) -> None:
        self._roster = roster
        self._times = times

    def settle(self, conn: Connection, changed: Mapping[UUID, Standing], now: int) -> None:
        """Write down how these stand now, before it is told."""
        known = _locked(conn, sorted(changed))
        over = [each for each in known if changed[each].cause is None]
        for some in _parts(over):
            conn.execute(delete(lasting_pause).where(lasting_pause.c.originator_id.in_(some)))
        for name, row in known.items():
            if row.told or row.after_stream is not None:
                self._withdraw(conn, (row.contract_id, row.stream_id), changed[name], now)
        new = [
            self._row(name, each.place or _place_of(conn, name), each.cause, each.since)
            for name, each in sorted(changed.items())
            if each.cause is not None and (name not in known or known[name].cause != each.cause)
        ]
        bulk.upsert_many(conn, lasting_pause, _KEY, COLUMNS, new)

    def _row(self, originator_id: UUID, place: Subject, cause: str, since: int) -> bulk.Row:
        wait = self._times.of(1)
        due_at = NEVER if wait is None else (since + wait) * MICROS
        return (originator_id, *place, cause, 0, due_at, None)

    def _withdraw(self, conn: Connection, place: Subject, standing: Standing, now: int) -> None:
        contract_id, stream_id = place
        reminders = and_(
            notice.c.contract_id == contract_id,
            notice.c.stream_id.is_not_distinct_from(stream_id),
            notice.c.kind.startswith(f"{REMINDER}.", autoescape=True),
        )
        if standing.cause is None:
            withdrawing.withdraw(conn, reminders, OVER, now)
            return
        other = notice.c.cause_event_id != standing.cause
        withdrawing.withdraw(conn, and_(reminders, other), OVER, now)
        if stream_id is not None:
            theirs = self._others(conn, standing.parties)
            withdrawing.withdraw(conn, and_(reminders, theirs), SOMEBODY_ELSES, now)

    def _others(self, conn: Connection, parties: Sequence[str]) -> ColumnElement[bool]:
        """That the recipient is none of these accounts."""
        known = self._roster.known(conn, parties).values()
        return not_(or_(False, *(notice.c.recipient_id == each.recipient_id for each in known)))


def _locked(conn: Connection, names: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """The rows of these, always locked in the order of names."""
    found: dict[UUID, Row[Any]] = {}
    for some in _parts(names):
        rows = conn.execute(
            select(lasting_pause)
            .where(lasting_pause.c.originator_id.in_(some))
            .order_by(lasting_pause.c.originator_id)
            .with_for_update()
        )
        found |= {row.originator_id: row for row in rows}
    return found


def _place_of(conn: Connection, originator_id: UUID) -> Subject:
    """Which stream or contract this is: a revision does not say, the facts that it revises do."""
    for each in read_aggregate(conn, originator_id):
        fact = getattr(each.event, "fact", None)
        if isinstance(fact, Fact):
            return fact.contract_id, stream_of(fact)
    raise LookupError(f"the aggregate {originator_id} has no fact")


def _parts(names: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]
