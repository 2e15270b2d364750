"""8a Late news: what a revision, or a job that is through, means for the people concerned.

In: HistoryRevised or RangeFilled, met by plan.py. Out: news for a stream's parties, or a fan-out for a
whole contract; deliveries that no longer hold are withdrawn. Next: 8b notices.py, 8c fanout.py.

Whoever's stream stands differently now hears how it stands, keyed by the fact that made it so: those who
were told already are not told again. Where only the past changed, one note in the inbox. A party that
was none after all is told so.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, delete, select, update

from domain.chain_order import DomainEvent, FactConfirmed, FactJudged, HistoryRevised, Rules
from domain.contract import CONTRACT_RULES, ContractState, RangeFilled
from domain.facts import StreamActorNamed
from domain.stream import STREAM_RULES, StreamState
from notifier import fanout, guard
from notifier.content import EMPLOYEE, EMPLOYER
from notifier.news import (
    CORRECTION,
    Listener,
    News,
    listeners,
    status_news,
    stream_kind,
    stream_of,
)
from notifier.notices import NoticeWriter
from notifier.revisions import Change, change_by, revision_note, status_step
from notifier.schema import job_revision, notice
from notifier.withdrawing import SUPERSEDED, withdraw
from store import bulk
from store.log import Recorded, read_after, read_back

_FEW_LATE = 20  # a slice with as many late facts of one stream is looked at as a whole
HISTORIES_PER_STEP = 100  # aggregates of a job looked at in one transaction


def tell_revision(
    conn: Connection,
    writer: NoticeWriter,
    told_by: Recorded,
    revision: HistoryRevised,
    now: int,
) -> None:
    """What one revision means; a job's revisions wait until the job is through."""
    if revision.job is not None:
        row = (revision.job, revision.originator_id)
        bulk.insert_many(conn, job_revision, ("job", "originator_id"), [row], on_conflict="nothing")
        return
    if _names_actors_only(conn, revision):
        return
    of_contract = isinstance(revision.state, ContractState)
    look_at(conn, writer, revision.originator_id, told_by, of_contract=of_contract, now=now)


def _names_actors_only(conn: Connection, revision: HistoryRevised) -> bool:
    """Whether all late facts of this revision say who acted: that changes no status, pause or party.

    They come a moment behind what they are about, so a stream that never rests brings one of these each
    time, and its whole history would be read for it.
    """
    before = revision.originator_version
    newest = read_back(conn, revision.originator_id, before, limit=_FEW_LATE)
    late = [*takewhile(_is_late, (each.event for each in newest))]
    named = all(isinstance(getattr(event, "fact", None), StreamActorNamed) for event in late)
    return named and 0 < len(late) < _FEW_LATE


def _is_late(event: DomainEvent) -> bool:
    return isinstance(event, FactConfirmed) or (isinstance(event, FactJudged) and event.late)


def close_job(conn: Connection, filled: RangeFilled, position: int) -> None:
    """The job is through: its aggregates may be looked at."""
    conn.execute(
        update(job_revision)
        .where(job_revision.c.job == filled.job, job_revision.c.position.is_(None))
        .values(position=position)
    )


def take_step(conn: Connection, writer: NoticeWriter, now: int) -> bool:
    """Look at the next aggregates that finished jobs have revised; False: there are none."""
    rows = conn.execute(
        select(job_revision)
        .where(job_revision.c.position.is_not(None))
        .order_by(job_revision.c.position, job_revision.c.originator_id)
        .limit(HISTORIES_PER_STEP)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        (told_by,) = read_after(conn, row.position - 1, 1)
        with guard.contained(conn, row.position, now):
            of_contract = row.originator_id == told_by.event.originator_id
            look_at(conn, writer, row.originator_id, told_by, of_contract=of_contract, now=now)
        conn.execute(
            delete(job_revision).where(
                job_revision.c.job == row.job, job_revision.c.originator_id == row.originator_id
            )
        )
    return bool(rows)


def look_at(  # the transaction, the writer, whose history, told by what, when
    conn: Connection,
    writer: NoticeWriter,
    originator_id: UUID,
    told_by: Recorded,
    *,
    of_contract: bool,
    now: int,
) -> None:
    """Compare an aggregate's history without and with the late facts, and tell what follows."""
    late_news = told_by.event
    if not isinstance(late_news, HistoryRevised | RangeFilled):
        raise TypeError(f"position {told_by.position} brings no late facts")
    cause = late_news.job if isinstance(late_news, RangeFilled) else late_news.since_event_id
    rules: Rules[Any] = CONTRACT_RULES if of_contract else STREAM_RULES
    change = change_by(conn, rules, originator_id, late_news=late_news, position=told_by.position)
    restate = _withdraw_outdated(conn, change, now)
    if of_contract:
        _tell_contract(conn, change, told_by, cause, restate=restate, now=now)
    else:
        writer.write(conn, list(stream_news(change, told_by, cause, restate=restate)), now)


def _withdraw_outdated(conn: Connection, change: Change[Any], now: int) -> bool:
    """Take back what no longer holds and has not left; whether there was anything."""
    causes = sorted(change.outdated_causes)
    if not causes:
        return False
    fact = change.after[-1].placed.fact
    outdated = and_(
        notice.c.contract_id == fact.contract_id,
        notice.c.stream_id == stream_of(fact),
        notice.c.cause_event_id.in_(causes),
    )
    withdrawn = withdraw(conn, outdated, SUPERSEDED, now)
    return withdrawn + fanout.stop(conn, causes, fact.contract_id) > 0


def stream_news(
    change: Change[StreamState], told_by: Recorded, cause: str, *, restate: bool
) -> Iterator[News]:
    """What a stream's parties should know. `restate`: news they waited for was taken back."""
    parties = listeners(*change.parties_after)
    step = status_step(change.after)
    kind = stream_kind(step.before, step.after, step.placed.fact) if step else None
    if step and kind and (restate or change.stands_differently):
        yield status_news(step, kind, told_by, late=True, audience=parties)
    elif change.changed_pauses is not None:
        yield revision_note(change, told_by, cause, parties)
    for role, account in zip((EMPLOYER, EMPLOYEE), change.parties_before, strict=True):
        if account and account not in change.parties_after:
            yield _correction(change, told_by, cause, Listener(account, role))


def _correction(
    change: Change[StreamState], told_by: Recorded, cause: str, listener: Listener
) -> News:
    note = revision_note(change, told_by, cause, (listener,))
    left_at = note.happened_at
    for step in change.after:
        was, became = (getattr(state, listener.role) for state in (step.before, step.after))
        if was == listener.account_id != became:
            left_at = step.placed.fact.closed_at
    return note._replace(kind=CORRECTION, happened_at=left_at, pauses=())


def _tell_contract(  # as look_at
    conn: Connection,
    change: Change[ContractState],
    told_by: Recorded,
    cause: str,
    *,
    restate: bool,
    now: int,
) -> None:
    step = status_step(change.after)
    if step and (restate or change.stands_differently):
        cause, state = step.placed.cause, fanout.TELLING
    elif change.changed_pauses is not None:
        state = fanout.NOTING
    else:
        return
    fanout.begin(
        conn,
        cause=cause,
        position=told_by.position,
        contract_id=change.after[-1].placed.fact.contract_id,
        state=state,
        now=now,
    )
