"""8a' Parked: what planning could not understand is planned again, once its fault is mended.

In: positions that the guard put aside (guard.py), by an operator's word. Out: what planning would have
written, where that is still the news of its stream; how each ended, which its row keeps.
Twice: what has ended is left alone, and notices are named by the event that they are about.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select, update

from domain.actors import Actor
from domain.chain_order import FactJudged
from domain.contract import CONTRACT_RULES
from domain.contract import evolve as evolve_contract
from domain.facts import StreamActorNamed
from domain.state import AggregateState
from domain.stream import STREAM_RULES
from domain.stream import evolve as evolve_stream
from notifier import fanout, guard
from notifier.actor_news import actor_told, tell_actors
from notifier.histories import concerns_stream
from notifier.plan import Planner, keep_planned
from notifier.schema import plan_parked
from store.log import Recorded, read_after, read_aggregate

TOLD = "told"  # planned again: whoever it concerns is told
OVERTAKEN = "overtaken"  # it says no more how its stream stands; what is newer was told
NO_NEWS = "no news"  # it changes nothing that people are told of
BY_HAND = "told by hand"  # an operator has told them
STILL = "still parked"  # it failed again, or tells what late facts mean


class Parked(NamedTuple):
    """A recorded event that nobody was told of. `event_id`: None: it is no event of the chain.

    `parked_at`: microseconds.
    """

    position: int
    event_id: str | None
    contract_id: str | None
    stream_id: int | None
    reason: str
    parked_at: int


def still_parked() -> Select[Any]:
    """Rows that have not ended, in the order of the log."""
    return select(plan_parked).where(plan_parked.c.ending.is_(None)).order_by("position")


def parked(conn: Connection) -> list[Parked]:
    """All that wait, with what each is about."""
    found = []
    for row in conn.execute(still_parked()).all():
        fact = getattr(_recorded(conn, row.position).event, "fact", None)
        found.append(
            Parked(
                row.position,
                getattr(fact, "event_id", None),
                getattr(fact, "contract_id", None),
                getattr(fact, "stream_id", None),
                row.reason,
                row.parked_at,
            )
        )
    return found


def plan_again(conn: Connection, planner: Planner, position: int, now: int) -> str | None:
    """Plan a parked event; returns how that ended, None: it does not wait. `now`: microseconds.

    Planning is kept where it is meanwhile, or something newer could be told before this.
    """
    end = keep_planned(conn)
    served = fanout.lock(conn, position)
    waits = still_parked().where(plan_parked.c.position == position).with_for_update()
    if conn.execute(waits).first() is None:
        return None
    recorded = _recorded(conn, position)
    try:
        with conn.begin_nested():
            ending = _planned(conn, planner, recorded, end, now, served=served)
    except Exception as error:
        if not guard.is_defect(error):
            raise
        _change(conn, position, reason=guard.place_of(error))
        return STILL
    if ending != STILL:
        _change(conn, position, ending=ending)
    return ending


def told_by_hand(conn: Connection, position: int) -> bool:
    """An operator has told of it; False: it does not wait."""
    return _change(conn, position, ending=BY_HAND)


def _planned(  # the transaction, who plans, what, as of when, and whether it was begun
    conn: Connection, planner: Planner, recorded: Recorded, end: int, now: int, *, served: bool
) -> str:
    event = recorded.event
    if not isinstance(event, FactJudged):
        return STILL  # what late facts mean is told by comparison, with others: not again by itself
    cause = event.fact.event_id
    past = read_aggregate(conn, event.originator_id, up_to=end)
    then, now_stands, actors = _walked(past, recorded.position, cause)
    if isinstance(event.fact, StreamActorNamed) or cause != then.status_cause:
        tell_actors(conn, actors)
        return TOLD if actors else NO_NEWS
    if cause != now_stands.status_cause:
        return OVERTAKEN
    if served:
        fanout.begin_again(conn, recorded.position)
    planner.plan_alone(conn, recorded, now)
    tell_actors(conn, actors)
    return TOLD


def _walked(
    past: Sequence[Recorded], position: int, cause: str
) -> tuple[AggregateState, AggregateState, dict[str, Actor]]:
    """How it stood at a position, how it stands now, and who acted, as told there or of `cause`."""
    of_stream = concerns_stream(past[0].event)
    state: Any = (STREAM_RULES if of_stream else CONTRACT_RULES).initial
    evolve: Any = evolve_stream if of_stream else evolve_contract
    then, actors = state, {}
    for each in past:
        before, state = state, evolve(state, each.event)
        if each.position <= position:
            then = state
        event = each.event
        if not isinstance(event, FactJudged) or not isinstance(event.fact, StreamActorNamed):
            continue
        if each.position == position or event.fact.of_event == cause:
            actor = actor_told(event, event.fact, before)
            if actor is not None:
                actors[event.fact.of_event] = actor
    return then, state, actors


def _recorded(conn: Connection, position: int) -> Recorded:
    (found,) = read_after(conn, position - 1, 1)
    return found


def _change(conn: Connection, position: int, **values: str) -> bool:
    waits = (plan_parked.c.position == position) & plan_parked.c.ending.is_(None)
    return conn.execute(update(plan_parked).where(waits).values(values)).rowcount == 1
