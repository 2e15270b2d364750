"""Whether everything that was recorded has been worked off: nothing planned, sent or appended waits."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ingest.actors.search import FOLLOWER as ACTORS
from ingest.actors.search import WAITING, search_states
from notifier.plan import FOLLOWER as PLANNING
from notifier.schema import delivery
from notifier.states import CLAIMED, HANDED_OFF, PENDING, QUEUED, RETRY_WAIT
from projections.sets import PROJECTIONS
from store import log
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence, fanout, notice_fact_outbox, tracking

UNDER_WAY = (PENDING, QUEUED, CLAIMED, HANDED_OFF, RETRY_WAIT)


class Standing(NamedTuple):
    """How far everything has come. `events`: of the contract, in evidence.

    `caught_up`: nothing waits but deliveries.
    """

    events: int
    settled: int
    under_way: int
    caught_up: bool

    @property
    def at_rest(self) -> bool:
        """Nothing waits at all."""
        return self.caught_up and not self.under_way


def standing(conn: Connection, contract_id: str) -> Standing:
    """Look at the log, its followers, the outboxes and the deliveries, in one snapshot."""
    head = log.head(conn)
    followed = {row.name: row.position for row in conn.execute(select(tracking))}
    states = {
        row[0]: row[1]
        for row in conn.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
    }
    under_way = sum(states.get(state, 0) for state in UNDER_WAY)
    waiting = conn.scalar(select(func.count()).select_from(notice_fact_outbox)) or 0
    fanouts = conn.scalar(select(func.count()).select_from(fanout).where(fanout.c.state != "done"))
    return Standing(
        events=conn.scalar(
            select(func.count())
            .select_from(evidence)
            .where(evidence.c.contract_id == contract_id, evidence.c.event_id < BEHIND_EVENT_IDS)
        )
        or 0,
        settled=sum(states.values()) - under_way,
        under_way=under_way,
        caught_up=not (waiting or fanouts or search_states(conn)[WAITING])
        and all(followed.get(name, 0) >= head for name in (PROJECTIONS, PLANNING))
        and followed.get(ACTORS, head) >= head,  # it is the indexer's own, and begins with it
    )
