"""Read model of the timeline (step 7): every fact of an aggregate in chain order, newest first.

In:   histories that were revised (refold.py).
Out:  rows of `timeline_a|b` and `revision_a|b`, only for aggregates that were ever revised.
Next: the API's timeline route; digest.py.

Facts that came on time already stand in chain order in the log, with their verdicts: nothing is
copied for them, and most aggregates have no rows here. Where late facts moved a history, `revision`
says up to which version, and `timeline` holds those facts by their `rank` in chain order (1, 2, 3 …)
with the verdicts and parties of now. Later facts follow by version, which is always greater than any
rank before it. So one number orders a timeline; `after` is the rank of the last entry seen.

A late fact whose revision is recorded but not yet followed stands at its version for that moment.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    null,
    select,
    union_all,
)

from domain.chain_order import FactConfirmed, FactJudged
from domain.facts import CONTRACT_FACTS, STREAM_FACTS, Fact, StreamFact
from projections.by_aggregate import remove
from projections.refold import Refolded
from projections.sets import PROJECTIONS, SetName, both
from store.bulk import insert_many, upsert_many
from store.mapper import decode
from store.query import Query
from store.schema import metadata, recorded_event, tracking


def _timeline(name: SetName) -> Table:
    return Table(
        f"timeline_{name}",
        metadata,
        Column("originator_id", Uuid, primary_key=True),
        Column("rank", BigInteger, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("employer", Text),
        Column("employee", Text),
    )


def _revision(name: SetName) -> Table:
    return Table(
        f"revision_{name}",
        metadata,
        Column("originator_id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
    )


TABLES = both(_timeline)
REVISIONS = both(_revision)
ARRIVAL = ("rank", "position", "late")  # what tells of arrival, not of the chain

_CONFIRMED = ("stream.fact_confirmed.1", "contract.fact_confirmed.1")
FACT_TOPICS = (*(kind.TOPIC for kind in (*STREAM_FACTS, *CONTRACT_FACTS)), *_CONFIRMED)
_FIXED = {field.name for kind in (Fact, StreamFact) for field in msgspec.structs.fields(kind)}
_SMALL = ("fee_bps", "remaining")  # u32: safe as JSON numbers


class TimelineEntry(NamedTuple):
    """One fact of a timeline. `late`: learned after facts that stand behind it.

    `kind`: the fact's short name (created, paused …); `details`: what else the event told, 64- and
    128-bit numbers as decimal strings; parties and verdict as judged in chain order.
    """

    rank: int
    position: int
    event_id: str
    kind: str
    closed_at: int
    ledger: int
    tx_hash: str
    employer: str | None
    employee: str | None
    verdict: str
    late: bool
    details: dict[str, Any]


def rewrite(conn: Connection, name: SetName, refolded: Mapping[UUID, Refolded]) -> None:
    """Set down the facts of revised histories in chain order."""
    if not refolded:
        return
    remove(conn, TABLES[name], refolded)
    rows = [
        (originator_id, fact.rank, fact.position, fact.verdict, *fact.parties)
        for originator_id, history in refolded.items()
        for fact in history.ranked
    ]
    columns = ("originator_id", "rank", "position", "verdict", "employer", "employee")
    insert_many(conn, TABLES[name], columns, rows, on_conflict="error")
    revisions = [(originator_id, history.version) for originator_id, history in refolded.items()]
    upsert_many(conn, REVISIONS[name], ("originator_id",), ("originator_id", "version"), revisions)


def page(name: SetName, originator_id: UUID, *, limit: int, after: int | None = None) -> Query:
    """One aggregate's facts, newest first, at most `limit`; each row goes through `entry`.

    Shows what the read models have followed, never more. `after`: the rank of the last entry seen.
    """
    values: dict[str, Any] = {"originator_id": originator_id, "limit": limit}
    if after is not None:
        values["after"] = after
    return Query(_page(name, goes_on=after is not None), values)


@cache
def _page(name: SetName, *, goes_on: bool) -> Select[Any]:
    log, table, revision = recorded_event, TABLES[name], REVISIONS[name]
    wanted = bindparam("originator_id", type_=Uuid)
    limit = bindparam("limit", type_=Integer)
    followed = select(tracking.c.position).where(tracking.c.name == PROJECTIONS)
    revised = select(revision.c.version).where(revision.c.originator_id == wanted)
    on_time = _on_time().where(
        log.c.originator_id == wanted,
        log.c.originator_version > func.coalesce(revised.scalar_subquery(), 0),
        log.c.position <= func.coalesce(followed.scalar_subquery(), 0),
    )
    moved = _moved(table).where(table.c.originator_id == wanted)
    if goes_on:
        on_time = on_time.where(log.c.originator_version < bindparam("after"))
        moved = moved.where(table.c.rank < bindparam("after"))
    # Each half is bounded before they meet: no database then reads more than two pages.
    newest = on_time.order_by(log.c.originator_version.desc()).limit(limit).subquery()
    older = moved.order_by(table.c.rank.desc()).limit(limit).subquery()
    both_halves = union_all(select(newest), select(older)).subquery()
    return select(both_halves).order_by(both_halves.c.rank.desc()).limit(limit)


def all_on_time(name: SetName, position: int) -> Select[Any]:
    """The facts up to a position that stand where the log has them, by aggregate and rank."""
    log, revision = recorded_event, REVISIONS[name]
    return (
        _on_time()
        .outerjoin(revision, revision.c.originator_id == log.c.originator_id)
        .where(
            log.c.originator_version > func.coalesce(revision.c.version, 0),
            log.c.position <= position,
        )
        .order_by(log.c.originator_id, log.c.originator_version)
    )


def all_moved(name: SetName) -> Select[Any]:
    """The facts of revised histories, by aggregate and rank."""
    table = TABLES[name]
    return _moved(table).order_by(table.c.originator_id, table.c.rank)


def _on_time() -> Select[Any]:
    log = recorded_event
    return select(
        log.c.originator_version.label("rank"),
        log.c.position,
        log.c.originator_id,
        log.c.originator_version,
        log.c.topic,
        log.c.state,
        null().label("verdict"),
        null().label("employer"),
        null().label("employee"),
    ).where(log.c.topic.in_(FACT_TOPICS))


def _moved(table: Table) -> Select[Any]:
    log = recorded_event
    return select(
        table.c.rank,
        log.c.position,
        log.c.originator_id,
        log.c.originator_version,
        log.c.topic,
        log.c.state,
        table.c.verdict,
        table.c.employer,
        table.c.employee,
    ).join(log, log.c.position == table.c.position)


def entry(row: Any) -> TimelineEntry:
    """What a row of the queries above says."""
    event = decode(row.topic, row.state, row.originator_id, row.originator_version)
    if not isinstance(event, FactJudged | FactConfirmed):
        raise TypeError(f"{row.topic} at position {row.position} is no fact")
    fact = event.fact
    judged = row if row.verdict is not None else event
    return TimelineEntry(
        rank=row.rank,
        position=row.position,
        event_id=fact.event_id,
        kind=kind(fact),
        closed_at=fact.closed_at,
        ledger=fact.ledger,
        tx_hash=fact.tx_hash,
        employer=judged.employer,
        employee=judged.employee,
        verdict=judged.verdict,
        late=isinstance(event, FactConfirmed) or event.late,
        details=details(fact),
    )


def kind(fact: Fact) -> str:
    """The fact's short name, such as created or paused."""
    return fact.TOPIC.split(".")[1]


def details(fact: Fact) -> dict[str, Any]:
    """What a fact tells beside its place and stream; 64- and 128-bit numbers as decimal strings."""
    return {
        name: str(int(value)) if _is_large(name, value) else value
        for name, value in msgspec.structs.asdict(fact).items()
        if name not in _FIXED
    }


def _is_large(name: str, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and name not in _SMALL
