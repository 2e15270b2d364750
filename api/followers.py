"""How far the log's followers are behind: in events, and in time by the log's own clock.

Status, readiness and metrics all ask here, inside a read transaction of their own.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, select

from ingest.actors.search import FOLLOWER as ACTORS
from notifier.plan import FOLLOWER as PLANNING
from projections.sets import PROJECTIONS
from store import log
from store.schema import recorded_event, tracking

FOLLOWERS: Final = (PROJECTIONS, PLANNING, ACTORS)
_MICROS: Final = 1_000_000
_LATE: Final = {
    PROJECTIONS: "the read models are old",
    PLANNING: "people are told late, or not",
    ACTORS: "who paused is not found out",
}


class Behind(NamedTuple):
    """A follower. `events`: recorded, and not passed yet; `seconds`: since the oldest was recorded."""

    name: str
    events: int
    seconds: float


def behind(conn: Connection, now: int) -> list[Behind]:
    """Each follower; that of actors is the indexer's own, and begins with it. `now`: microseconds."""
    head = log.head(conn)
    followed = dict(conn.execute(select(tracking.c.name, tracking.c.position)).all())
    places = {name: followed.get(name, head if name == ACTORS else 0) for name in FOLLOWERS}
    nexts = {place + 1 for place in places.values() if place < head}
    recorded_at = dict(
        conn.execute(
            select(recorded_event.c.position, recorded_event.c.recorded_at).where(
                recorded_event.c.position.in_(nexts)
            )
        ).all()
    )
    return [
        Behind(name, max(0, head - place), _age(recorded_at.get(place + 1), now))
        for name, place in places.items()
    ]


def planning(followers: Sequence[Behind]) -> Behind:
    """The one that turns events into notices."""
    return next(each for each in followers if each.name == PLANNING)


def follower_faults(followers: Sequence[Behind], limit: float) -> list[str]:
    """Who is further behind than so many seconds, in words."""
    return [
        f"the follower {each.name} is {each.events} events and {each.seconds:.0f} s behind,"
        f" {limit:g} s are promised: {_LATE[each.name]}"
        for each in followers
        if each.seconds > limit
    ]


def follower_families(followers: Sequence[Behind]) -> Iterator[Metric]:
    """As Prometheus has it."""
    events = GaugeMetricFamily(
        "pausewire_follower_lag_events",
        "Recorded events that a follower of the log has not passed.",
        labels=("follower",),
    )
    seconds = GaugeMetricFamily(
        "pausewire_follower_lag_seconds",
        "Since the oldest event was recorded that a follower of the log has not passed.",
        labels=("follower",),
    )
    for each in followers:
        events.add_metric((each.name,), each.events)
        seconds.add_metric((each.name,), each.seconds)
        if each.name == PROJECTIONS:
            yield GaugeMetricFamily(
                "pausewire_projection_lag_events",
                "Recorded events not in the read models yet.",
                value=each.events,
            )
    yield events
    yield seconds


def _age(recorded_at: int | None, now: int) -> float:
    return 0.0 if recorded_at is None else max(0.0, (now - recorded_at) / _MICROS)
