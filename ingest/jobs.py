"""Jobs: ledger ranges to be scanned, or read again, beside live following; worked off by the leader.

In: rows of `ingest_job`, requested by people, by healing, or by a late upgrade. Out: facts through the
same transaction as live following, with a position of their own; job_closer.py ends them. Safe beside
live following: what is in evidence already is taken out, what is late takes its place in chain order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from domain.errors import InvalidValue
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger, window_end
from ingest.decode import Page
from ingest.sources import Position, Source, position
from store.clock import now_micros
from store.schema import ingest_job, ingest_position

BACKFILL, HEAL = "backfill", "heal"
CONFIRM = "confirm"  # by whole ledgers, see confirming.py
REPROCESS = "reprocess"  # what is in quarantine
REPROCESS_ALL = "reprocess_all"  # all evidence
READ_AGAIN = frozenset((REPROCESS, REPROCESS_ALL))
JOB_PREFIX = "job:"  # of the names of jobs' sources
_LOOKED_AT = 1_000
_BETWEEN = ", "
WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One range of one contract, both ledgers included.

    `profile`: name@version by which stored evidence is to be read; None: by the one that the leader has.
    """

    id: str
    kind: str
    contract_id: str
    ledgers: LedgerRange
    profile: str | None = None

    @property
    def source(self) -> Source:
        """The job as a source of its own."""
        return Source(name=f"{JOB_PREFIX}{self.id}", contract_ids=(self.contract_id,))


class Progress(NamedTuple):
    """How a job stands. `scanned_to`: every ledger of its range up to this one is scanned.

    `reason`: why it failed, or what it waits for. `told_by`: the sources of its pages, in order.
    """

    job: Job
    state: str
    reason: str | None
    events_found: int
    scanned_to: int
    told_by: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (DONE, FAILED)


def request(
    conn: Connection,
    *,
    kind: str,
    contract_id: str,
    ledgers: LedgerRange,
    profile: str | None = None,
) -> Job:
    """Ask for a range; the leader takes it up within a poll. Raises InvalidValue."""
    if not 0 < ledgers.from_ledger <= ledgers.to_ledger:
        raise InvalidValue(
            "ledgers", tuple(ledgers), "give a first ledger > 0 that is not the later one"
        )
    job = Job(id=uuid4().hex, kind=kind, contract_id=contract_id, ledgers=ledgers, profile=profile)
    now = now_micros()
    conn.execute(
        insert(ingest_job).values(
            id=job.id,
            kind=kind,
            contract_id=contract_id,
            from_ledger=ledgers.from_ledger,
            to_ledger=ledgers.to_ledger,
            profile=profile,
            state=WAITING,
            events_found=0,
            created_at=now,
            updated_at=now,
        )
    )
    begin = window_end(ledgers.from_ledger - 1)
    conn.execute(
        insert(ingest_position).values(
            source=job.source.name, cursor=begin, through=None, updated_at=now
        )
    )
    return job


def unfinished(conn: Connection) -> list[Job]:
    """Jobs that are not through, the oldest first; one that a crash cut short goes on where it was."""
    rows = conn.execute(
        select(ingest_job)
        .where(ingest_job.c.state.in_((RUNNING, WAITING)))
        .order_by(ingest_job.c.created_at, ingest_job.c.id)
        .limit(_LOOKED_AT)
    )
    return [_job(row) for row in rows]


def join(
    conn: Connection,
    *,
    kind: str,
    contract_id: str,
    ledgers: LedgerRange,
    profile: str | None = None,
) -> Job:
    """The job for exactly this that is not through, else a new one. Raises InvalidValue."""
    row = conn.execute(
        select(ingest_job).where(
            ingest_job.c.state.in_((RUNNING, WAITING)),
            ingest_job.c.kind == kind,
            ingest_job.c.contract_id == contract_id,
            ingest_job.c.from_ledger == ledgers.from_ledger,
            ingest_job.c.to_ledger == ledgers.to_ledger,
            ingest_job.c.profile.is_not_distinct_from(profile),
        )
    ).first()
    if row is not None:
        return _job(row)
    return request(conn, kind=kind, contract_id=contract_id, ledgers=ledgers, profile=profile)


def progress(conn: Connection, wanted: Sequence[Job]) -> list[Progress]:
    """How jobs stand, in the order given."""
    found = {
        row.id: row
        for row in conn.execute(
            select(ingest_job).where(ingest_job.c.id.in_([job.id for job in wanted]))
        )
    }
    return [
        Progress(
            job,
            found[job.id].state,
            found[job.id].reason,
            found[job.id].events_found,
            needed_ledger(position(conn, job.source.name).cursor) - 1,
            found[job.id].told_by,
        )
        for job in wanted
    ]


def end(conn: Connection, job: str, reason: str | None) -> None:
    """Nothing more will come of the job; `reason`: why it failed, None where it did not."""
    conn.execute(
        update(ingest_job)
        .where(ingest_job.c.id == job)
        .values(state=DONE if reason is None else FAILED, reason=reason, updated_at=now_micros())
    )


def count_found(conn: Connection, job: str, events: int, source: str | None = None) -> None:
    """Add what a slice of the job brought, and who told it, in that slice's transaction."""
    told_by = tellers(conn, job)
    if source is not None and source not in told_by:
        told_by.append(source)
    conn.execute(
        update(ingest_job)
        .where(ingest_job.c.id == job)
        .values(
            state=RUNNING,
            reason=None,
            told_by=_BETWEEN.join(told_by) or None,
            events_found=ingest_job.c.events_found + events,
            updated_at=now_micros(),
        )
    )


def has_found(conn: Connection, job: str) -> bool:
    """Whether the job has brought anything so far."""
    found = conn.scalar(select(ingest_job.c.events_found).where(ingest_job.c.id == job))
    return bool(found)


def tellers(conn: Connection, job: str) -> list[str]:
    """The sources that told the job's pages so far, in order."""
    told_by = conn.scalar(select(ingest_job.c.told_by).where(ingest_job.c.id == job))
    return told_by.split(_BETWEEN) if told_by else []


def note_wait(conn: Connection, job: str, reason: str) -> None:
    """Say what a job waits for, until it goes on."""
    conn.execute(update(ingest_job).where(ingest_job.c.id == job).values(reason=reason))


def clip(page: Page, to_ledger: int) -> Page:
    """The part of a page up to a ledger; where the page goes beyond it, the cursor ends there too."""
    if needed_ledger(page.cursor) <= to_ledger:
        return page
    events = [event for event in page.events if event.ledger <= to_ledger]
    return msgspec.structs.replace(page, events=events, cursor=window_end(to_ledger))


def is_through(job: Job, here: Position) -> bool:
    """Whether the job's whole range is scanned."""
    return needed_ledger(here.cursor) > job.ledgers.to_ledger


def _job(row: Row[str]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        contract_id=row.contract_id,
        ledgers=LedgerRange(row.from_ledger, row.to_ledger),
        profile=row.profile,
    )
