"""Recorded events as messages of the feed: what each says, whom it passes, and its bytes on the wire.

In: a page of the log. Out: messages, made once per process and sent to many readers as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from fastapi.sse import format_sse_event
from sqlalchemy import Connection, Select, bindparam, select

from api.feed_reach import FeedReach
from api.feed_schemas import FeedMessage, Resync
from api.shown import from_micros, from_seconds
from domain.chain_order import FactConfirmed, FactJudged, HistoryRevised
from domain.contract import GapHealed, GapOpened, RangeFilled
from domain.facts import EmployeeTransferred, EmployerAccepted, StreamFact
from projections import contracts, streams, timeline
from projections.sets import PROJECTIONS, SetName, active_set
from store.log import Recorded, read_of_chain
from store.schema import tracking

Place = tuple[str, int | None]


class Message(NamedTuple):
    """One message. `employees`: every account that it passes as `employee`.

    `employers`: the others who were a party when it happened, or stopped being one by it.
    """

    position: int
    contract_id: str
    stream_id: int | None
    employees: tuple[str | None, ...]
    employers: tuple[str | None, ...]
    wire: bytes


class Wanted(NamedTuple):
    """What a reader wants to hear of, and may; filters add up, None wants everything."""

    contract_id: str | None = None
    stream_id: int | None = None
    employee: str | None = None
    reach: FeedReach | None = None

    def passes(self, message: Message) -> bool:
        """Whether the reader wants this message, and may have it."""
        if self.reach is not None and not self.reach.passes(
            message.contract_id, message.stream_id, (*message.employees, *message.employers)
        ):
            return False
        return (
            self.contract_id in (None, message.contract_id)
            and self.stream_id in (None, message.stream_id)
            and (self.employee is None or self.employee in message.employees)
        )


EVERYTHING: Final = Wanted()


class Batch(NamedTuple):
    """All messages beyond one position and up to another; `wire` is theirs in one piece."""

    after: int
    up_to: int
    messages: tuple[Message, ...]
    wire: bytes

    def beyond(self, position: int, wanted: Wanted) -> "Batch":
        """What a reader who stands at a position still wants of this."""
        if wanted == EVERYTHING and position <= self.after:
            return self
        messages = tuple(
            message
            for message in self.messages
            if message.position > position and wanted.passes(message)
        )
        return Batch(position, self.up_to, messages, b"".join(each.wire for each in messages))


def followed_to(conn: Connection) -> int:
    """The position up to which the read models show everything."""
    return conn.scalar(_FOLLOWED) or 0


_FOLLOWED: Final = select(tracking.c.position).where(tracking.c.name == PROJECTIONS)


def read_batch(conn: Connection, after: int, *, up_to: int, limit: int) -> Batch:
    """The next messages, at most `limit` of them; `up_to` must be followed by the read models."""
    recorded = read_of_chain(conn, after, up_to=up_to, limit=limit)
    places = _places(conn, recorded)
    messages = tuple(_message(each, places) for each in recorded)
    end = messages[-1].position if len(messages) == limit else up_to
    return Batch(after, end, messages, b"".join(message.wire for message in messages))


def resync(position: int, reason: Any) -> bytes:
    """The message that says: ask for everything again, the feed goes on behind this position."""
    said = msgspec.json.encode(Resync(position=position, reason=reason)).decode()
    return format_sse_event(event="resync", data_str=said, id=str(position))


def shown(conn: Connection, recorded: Sequence[Recorded]) -> list[FeedMessage]:
    """Recorded events in the words of the feed."""
    places = _places(conn, recorded)
    return [_said(each, places)[0] for each in recorded]


def _message(recorded: Recorded, places: Mapping[UUID, Place]) -> Message:
    said, whom = _said(recorded, places)
    wire = format_sse_event(data_str=msgspec.json.encode(said).decode(), id=str(recorded.position))
    return Message(recorded.position, said.contract_id, *whom, wire)


class _Whom(NamedTuple):
    """The stream, and who hears of it, in the order of Message."""

    stream_id: int | None
    employees: tuple[str | None, ...] = ()
    employers: tuple[str | None, ...] = ()


_Told = tuple[dict[str, Any], _Whom]


def _said(recorded: Recorded, places: Mapping[UUID, Place]) -> tuple[FeedMessage, _Whom]:
    said, whom = _told(recorded, places)
    said |= {"position": recorded.position, "recorded_at": from_micros(recorded.recorded_at)}
    said["stream_id"] = None if whom.stream_id is None else str(whom.stream_id)
    return FeedMessage(**said), whom


def _told(recorded: Recorded, places: Mapping[UUID, Place]) -> _Told:
    event = recorded.event
    if isinstance(event, FactJudged | FactConfirmed):
        return _told_by_fact(event)
    if isinstance(event, HistoryRevised):
        return _told_by_revision(event, places[event.originator_id])
    if isinstance(event, GapOpened | GapHealed | RangeFilled):
        return _told_by_coverage(event)
    raise TypeError(f"{type(event).__name__} at position {recorded.position} is not of the chain")


def _told_by_fact(event: FactJudged | FactConfirmed) -> _Told:
    fact = event.fact
    said = {
        "kind": timeline.kind(fact),
        "contract_id": fact.contract_id,
        "event_id": fact.event_id,
        "at": from_seconds(fact.closed_at),
        "ledger": fact.ledger,
        "tx_hash": fact.tx_hash or None,
        "employer": event.employer,
        "employee": event.employee,
        "verdict": event.verdict,
        "late": isinstance(event, FactConfirmed) or event.late,
        "details": timeline.details(fact),
    }
    if not isinstance(fact, StreamFact):
        return said, _Whom(None)
    # Who gives a stream up hears of it once more, or a page would show it for ever.
    no_more_paid = (fact.previous,) if isinstance(fact, EmployeeTransferred) else ()
    no_more_paying = (fact.previous,) if isinstance(fact, EmployerAccepted) else ()
    employees = (event.employee, *no_more_paid)
    return said, _Whom(fact.stream_id, employees, (event.employer, *no_more_paying))


def _told_by_revision(event: HistoryRevised, place: Place) -> _Told:
    contract_id, stream_id = place
    said = _nothing_of_a_transaction() | {
        "kind": "history_revised",
        "contract_id": contract_id,
        "event_id": event.since_event_id,
        "at": from_seconds(event.since[0]),
        "employer": event.after.employer,
        "employee": event.after.employee,
        "late": True,
        "details": {"status_before": event.before.status, "status": event.after.status},
    }
    sides = (event.before, event.after)
    employees = tuple(side.employee for side in sides)
    return said, _Whom(stream_id, employees, tuple(side.employer for side in sides))


def _told_by_coverage(event: GapOpened | GapHealed | RangeFilled) -> _Told:
    noticed_at = None if isinstance(event, RangeFilled) else event.noticed_at
    details: dict[str, Any] = {"from_ledger": event.from_ledger, "to_ledger": event.to_ledger}
    if isinstance(event, GapHealed):
        details["healed_by"] = event.healed_by
    said = _nothing_of_a_transaction() | {
        "kind": event.TOPIC.split(".")[1],
        "contract_id": event.contract_id,
        "at": from_seconds(noticed_at),
        "details": details,
    }
    return said, _Whom(None)


def _nothing_of_a_transaction() -> dict[str, Any]:
    empty = ("event_id", "ledger", "tx_hash", "employer", "employee", "verdict")
    return dict.fromkeys(empty) | {"late": False}


def _places(conn: Connection, recorded: Sequence[Recorded]) -> dict[UUID, Place]:
    """Which stream or contract each revision concerns: the event itself does not say."""
    revised = {
        each.event.originator_id for each in recorded if isinstance(each.event, HistoryRevised)
    }
    if not revised:
        return {}
    name = active_set(conn)
    rows: Iterable[Any] = conn.execute(_streams(name), {"ids": list(revised)})
    found: dict[UUID, Place] = {row[0]: (row.contract_id, row.stream_id) for row in rows}
    rows = conn.execute(_contracts(name), {"ids": list(revised)})
    return found | {row[0]: (row.contract_id, None) for row in rows}


@cache
def _streams(name: SetName) -> Select[Any]:
    table = streams.LISTS[name]
    return select(table.c.originator_id, table.c.contract_id, table.c.stream_id).where(
        table.c.originator_id.in_(bindparam("ids", expanding=True))
    )


@cache
def _contracts(name: SetName) -> Select[Any]:
    table = contracts.TABLES[name]
    return select(table.c.originator_id, table.c.contract_id).where(
        table.c.originator_id.in_(bindparam("ids", expanding=True))
    )
