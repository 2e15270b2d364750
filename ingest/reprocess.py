"""Reprocess: stored evidence read again, in chain order, by today's profiles and the code of its place.

In: a job of kind `reprocess` (what is in quarantine) or `reprocess_all` (everything), and where it stands.
Out: a further outcome for each event that reads otherwise now. What is understood at last is an ordinary
fact, late where it is late; an applied event keeps its fact and raises a profile conflict.
Next: job_closer.py ends the job, notifier/late_news.py tells what the late facts changed.

Twice is once: what reads as it did the last time is left alone. No evidence, no coverage, no gap changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from domain.chain_order import FactConfirmed, FactJudged
from domain.facts import Fact
from ingest import profile_conflicts
from ingest.code_history import request_rereads
from ingest.cursors import window_end
from ingest.decision import OUTCOME_APPLIED, OUTCOME_IGNORED, OUTCOME_QUARANTINED
from ingest.jobs import REPROCESS, Job, count_found
from ingest.judge import Judge, Translated
from ingest.profile_conflicts import ProfileConflict
from ingest.reading import fact_in_words
from ingest.record import Recorder
from ingest.sources import Position, move
from ingest.states import StateCache
from ingest.stored import Kept, kept_events
from ingest.translate import Applied, Ignored, Translation
from store import log
from store.engine import Database
from store.killpoint import reached
from store.lease import Lease

SLICE_EVENTS = 1_000


@dataclass
class Changes:
    """What reading a slice again has shown. `raised`, `settled`: profile conflicts."""

    otherwise: Translated = field(default_factory=list)
    earlier: dict[str, int] = field(default_factory=dict)
    raised: list[ProfileConflict] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)


class Reprocessor:
    """Works such jobs off, a slice at a time, under the lease's fence.

    `labels`: {contract id: name@version of the profile that `judge` reads it by}.
    """

    def __init__(
        self,
        database: Database,
        *,
        judge: Judge,
        recorder: Recorder,
        cache: StateCache,
        labels: Mapping[str, str],
        slice_events: int = SLICE_EVENTS,
    ) -> None:
        self._database = database
        self._judge = judge
        self._recorder = recorder
        self._cache = cache
        self._labels = labels
        self._slice_events = slice_events

    def refusal(self, job: Job) -> str | None:
        """Why this process must not work the job off; None where it may."""
        label = self._labels.get(job.contract_id)
        if label is None:
            return "the active indexer does not follow the contract: restart it with these settings"
        if job.profile not in (None, label):
            return (
                f"the active indexer reads by {label}, {job.profile} was asked for: restart the"
                " indexers with the release and settings that you run this command with"
            )
        return None

    def step(self, job: Job, here: Position, lease: Lease) -> Position:
        """Read the next slice again; where the job stands after it. Raises as Recorder.record."""
        try:
            with self._database.read() as conn:
                kept = self._next(conn, job, here)
                changes = self._compare(conn, kept)
                decision = self._judge.decide_read(conn, changes.otherwise, job=job.id)
            after = self._after(job, here, kept)
            with self._database.begin(durable=False) as conn:
                lease.renew(conn)
                move(conn, here, after)
                request_rereads(conn, decision.rereads)
                self._recorder.write_decision(conn, decision, lease, changes.earlier)
                profile_conflicts.write(conn, changes.raised, changes.settled)
                facts = sum(isinstance(found, Applied) for _, found in changes.otherwise)
                count_found(conn, job.id, facts)
                reached("in_reprocess")
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(decision.states)
        profile_conflicts.alarm(changes.raised, changes.settled)
        return after

    def _next(self, conn: Connection, job: Job, here: Position) -> list[Kept]:
        return kept_events(
            conn,
            job.contract_id,
            after=here.through or here.cursor,
            to_ledger=job.ledgers.to_ledger,
            limit=self._slice_events,
            only_quarantined=job.kind == REPROCESS,
        )

    def _after(self, job: Job, here: Position, kept: Sequence[Kept]) -> Position:
        """Behind the slice; the cursor has passed all ledgers but the one that the slice ends in."""
        if len(kept) < self._slice_events:
            return Position(source=here.source, cursor=window_end(job.ledgers.to_ledger))
        ledger = max(each.event.ledger for each in kept)
        cursor = max(here.cursor, window_end(ledger - 1)) if ledger > 0 else here.cursor
        return Position(source=here.source, cursor=cursor, through=kept[-1].event.event_id)

    def _compare(self, conn: Connection, kept: Sequence[Kept]) -> Changes:
        """Tell what reads otherwise from what reads as it did."""
        translated = self._judge.read(conn, [each.event for each in kept])
        recorded = _recorded_facts(conn, kept)
        standing = profile_conflicts.among(conn, [each.event.event_id for each in kept])
        changes = Changes()
        for each, (event, found) in zip(kept, translated, strict=True):
            if each.outcome != OUTCOME_APPLIED:
                if (each.outcome, each.reason) != _outcome(found):
                    changes.otherwise.append((event, found))
                    changes.earlier[event.event_id] = each.n
                continue
            fact = recorded.get(event.event_id)
            if fact is None:  # told by storage or a transaction: no profile reads that
                continue
            stands = standing.get(event.event_id)
            if isinstance(found, Applied) and found.fact == fact:
                changes.settled += [] if stands is None else [event.event_id]
                continue
            conflict = _conflict(event.event_id, fact, found)
            if stands is None or stands.reading != conflict.reading:
                changes.raised.append(conflict)
        return changes


def _recorded_facts(conn: Connection, kept: Sequence[Kept]) -> dict[str, Fact]:
    """The facts of the applied events of a slice."""
    positions = [
        each.position
        for each in kept
        if each.outcome == OUTCOME_APPLIED and each.position is not None
        if each.event.defect is None
    ]
    recorded = log.read_at(conn, positions)
    return {
        each.event.fact.event_id: each.event.fact
        for each in recorded.values()
        if isinstance(each.event, FactJudged | FactConfirmed)
    }


def _outcome(found: Translation) -> tuple[str, str | None]:
    if isinstance(found, Applied):
        return OUTCOME_APPLIED, None
    return (OUTCOME_IGNORED if isinstance(found, Ignored) else OUTCOME_QUARANTINED), found.reason


def _conflict(event_id: str, fact: Fact, found: Translation) -> ProfileConflict:
    outcome, reason = _outcome(found)
    reading = fact_in_words(found.fact) if isinstance(found, Applied) else f"{outcome}: {reason}"
    return ProfileConflict(
        event_id,
        fact.contract_id,
        f"{reading}; recorded: {fact_in_words(fact)}",
        found.profile or "-",
    )
