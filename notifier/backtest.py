"""A backtest: who would have been told what, when and where, had today's rules been in force.

In: the log from a time on, today's recipients and channels. Out: one line per notice. It cannot send: it
has a read-only connection, which refuses every write, and is given no channel, no broker and no writer.

It goes the way of plan.py over the same pure rules, for news on time: what arrived late is left out, and a
contract's audience is that of now. Preferences that only hold a delivery back are not looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from domain.chain_order import APPLIED, FactJudged, Placed, Step, placed_facts, walk
from domain.contract import CONTRACT_RULES
from domain.facts import ContractPauseSet, StreamFact
from notifier.fanout import everybody_in
from notifier.histories import Histories, concerns_stream
from notifier.news import News, contract_kind, listeners, status_news, stream_kind
from notifier.places import places_for
from notifier.recipients import Recipient, Roster
from notifier.revisions import status_step
from store.log import Recorded, head, read_after, read_aggregate

_CHUNK = 500
_MICROS = 1_000_000


class WouldTell(NamedTuple):
    """One notice. `at`: microseconds, when the event was recorded; `happened_at`: unix seconds.

    `channels`: those it would go out on, the inbox aside; `withheld`: channel to why it would not.
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


def simulate(
    conn: Connection, roster: Roster, *, since: int, freshness_seconds: Mapping[str, int]
) -> Iterator[WouldTell]:
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
                yield from _told(conn, roster, news, freshness_seconds)
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


def _told(
    conn: Connection, roster: Roster, news: News, freshness: Mapping[str, int]
) -> Iterator[WouldTell]:
    people = roster.known(conn, [listener.account_id for listener in news.audience])
    for account_id, role in news.audience:
        person = people.get(account_id)
        if person is not None and person.key is None:
            continue  # erased: nothing is ever told again
        channels, withheld = _places(news, person, freshness)
        yield WouldTell(
            at=news.recorded_at,
            happened_at=news.happened_at,
            kind=news.kind,
            cause=news.cause,
            contract_id=news.contract_id,
            stream_id=news.stream_id,
            account_id=account_id,
            role=role,
            channels=tuple(channels),
            withheld=withheld,
        )


def _places(
    news: News, person: Recipient | None, freshness: Mapping[str, int]
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Each push device counts; somebody we do not know has the inbox alone."""
    channels, withheld = [], {}
    contacts = () if person is None else person.contacts
    for place in places_for(news.kind, contacts, freshness):
        if place.suppressed is not None:
            withheld[place.channel] = place.suppressed
        elif news.recorded_at >= (news.happened_at + freshness[place.channel]) * _MICROS:
            withheld[place.channel] = "stale"
        else:
            channels.append(place.channel)
    return channels, withheld


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
