"""A backtest: who would have been told what, when and where, had today's rules been in force.

In: the log from a time on, today's recipients and channels. Out: one line per notice. It cannot send: it
has a read-only connection, which refuses every write, and is given no channel, no broker and no writer.

It goes the way of plan.py over the same pure rules, for news on time: what arrived late is left out, and a
contract's audience is that of now. Each delivery is planned by the function that plans it in earnest, by
the person's wishes, and meets the guest list. Not played: what is gathered into one message (each counts),
the storm brake, reminders, and what another channel takes over because a provider failed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from domain.chain_order import APPLIED, FactJudged, Placed, Step, placed_facts, walk
from domain.contract import CONTRACT_RULES
from domain.facts import ContractPauseSet, StreamFact
from notifier.content import IN_APP
from notifier.fanout import everybody_in
from notifier.guests import NOT_A_GUEST, GuestList
from notifier.histories import Histories, concerns_stream
from notifier.news import News, contract_kind, listeners, status_news, stream_kind
from notifier.places import Place, PlannedDelivery, places_for
from notifier.planned_for import planned_for
from notifier.recipients import Recipient, Roster, open_destination
from notifier.revisions import status_step
from notifier.schema import contact
from notifier.states import HELD, PENDING
from notifier.ways import Ways
from store.log import Recorded, head, read_after, read_aggregate

_CHUNK = 500
_ANY, _NONE = UUID(int=0), ""  # nothing is written, so nothing is told apart by it


class WouldTell(NamedTuple):
    """One notice. `at`: microseconds, when the event was recorded; `happened_at`: unix seconds.

    `channels`: those it would go out on, the inbox aside, each push device by itself. `held_until`: those
    of them that wait for the end of quiet hours or a daily digest, and when that is. `unless_seen`: channel
    to when it would be told there too, were it unseen and still so by then. `withheld`: channel to why not.
    """

    at: int
    happened_at: int
    kind: str
    cause: str
    contract_id: str
    stream_id: int | None
    account_id: str
    role: str
    channels: tuple[str, ...]
    withheld: Mapping[str, str]
    held_until: Mapping[str, int]
    unless_seen: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Today's: `freshness`, seconds, of each channel that can send; `ways`; and who may be written to."""

    freshness: Mapping[str, int]
    guests: GuestList
    ways: Ways = field(default_factory=Ways)


def simulate(conn: Connection, roster: Roster, rules: Rules, *, since: int) -> Iterator[WouldTell]:
    """Every notice of events recorded since then (microseconds), in the order of the log."""
    histories = Histories()
    position, newest = _first_position(conn, since) - 1, head(conn)
    while position < newest:
        chunk = read_after(conn, position, _CHUNK)
        if not chunk:
            return
        histories.load(conn, chunk)
        for recorded in chunk:
            news = _news(conn, histories, recorded)
            if news is not None:
                yield from _told(conn, roster, news, rules)
        histories.trim()
        position = chunk[-1].position


def _news(conn: Connection, histories: Histories, recorded: Recorded) -> News | None:
    event = recorded.event
    if not isinstance(event, FactJudged):
        if concerns_stream(event):
            histories.step(event)
        return None
    fact, plain = event.fact, event.verdict == APPLIED and not event.late
    if isinstance(fact, StreamFact):
        before, after = histories.step(event)
        kind = stream_kind(before, after, fact)
        if kind is None or not plain:
            return None
        step = Step(Placed(fact, fact.event_id), event.verdict, before, after)
        audience = listeners(event.employer, event.employee)
        return status_news(step, kind, recorded, late=False, audience=audience)
    if isinstance(fact, ContractPauseSet) and plain:
        return _contract_news(conn, recorded, event)
    return None


def _contract_news(conn: Connection, recorded: Recorded, event: FactJudged) -> News | None:
    past = read_aggregate(conn, event.originator_id, up_to=recorded.position)
    steps = list(walk(CONTRACT_RULES, placed_facts(each.event for each in past)))
    step = status_step(steps)
    if step is None or step.placed.fact != event.fact:
        return None
    audience = everybody_in(conn, event.fact.contract_id)
    return status_news(step, contract_kind(step.after), recorded, late=False, audience=audience)


def _told(conn: Connection, roster: Roster, news: News, rules: Rules) -> Iterator[WouldTell]:
    people = roster.known(conn, [listener.account_id for listener in news.audience])
    for account_id, role in news.audience:
        person = people.get(account_id)
        if person is not None and person.key is None:
            continue  # erased: nothing is ever told again
        rows = () if person is None else _planned(conn, news, person, rules)
        yield WouldTell(
            at=news.recorded_at,
            happened_at=news.happened_at,
            kind=news.kind,
            cause=news.cause,
            contract_id=news.contract_id,
            stream_id=news.stream_id,
            account_id=account_id,
            role=role,
            channels=tuple(each.channel for each in rows if _leaves(each)),
            withheld={
                each.channel: each.reason for each in rows if each.reason and not _leaves(each)
            },
            held_until={
                each.channel: each.available_at
                for each in rows
                if _leaves(each) and each.state == HELD
            },
            unless_seen={each.channel: each.available_at for each in rows if each.purpose},
        )


def _planned(
    conn: Connection, news: News, person: Recipient, rules: Rules
) -> Sequence[PlannedDelivery]:
    """What planning makes for this person, had it come at the moment of recording; the inbox aside."""
    rows = planned_for(
        _ANY,
        news,
        person.preferences,
        _admitted(conn, person, rules, places_for(news.kind, person.contacts, rules.freshness)),
        daily=_NONE,
        freshness=rules.freshness,
        ways=rules.ways,
        now=news.recorded_at,
    )
    return [each for each in rows if each.channel != IN_APP]


def _admitted(
    conn: Connection, person: Recipient, rules: Rules, places: Iterable[Place]
) -> Iterator[Place]:
    """The places; one that is no guest's is refused at the door, and the next channel has its turn."""
    for place in places:
        if rules.guests.everybody or place.suppressed is not None:
            yield place
            continue
        query = select(contact.c.destination).where(contact.c.contact_id == place.contact_id)
        sealed = conn.execute(query).scalar_one()
        destination = open_destination(person.key or b"", place.contact_id, sealed)
        admitted = rules.guests.admits(place.channel, destination)
        yield place if admitted else place._replace(suppressed=NOT_A_GUEST)


def _leaves(planned: PlannedDelivery) -> bool:
    return planned.state in (PENDING, HELD) and planned.purpose is None


def _first_position(conn: Connection, since: int) -> int:
    """The first position recorded at or after a time, by halving: times grow with positions."""
    low, high = 1, head(conn) + 1
    while low < high:
        middle = (low + high) // 2
        (recorded,) = read_after(conn, middle - 1, 1)
        if recorded.recorded_at < since:
            low = middle + 1
        else:
            high = middle
    return low
