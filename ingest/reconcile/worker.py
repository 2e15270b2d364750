"""Works off reconcile jobs for the leader: survey, heal, close.

In: jobs of the kinds in requests.py. Out: storage facts in the log through T1, gaps healed, the report.
Next: record.py writes the facts; late ones take their place in chain order as any other.

A job cut short begins its survey anew: what it has told already is known then, and told no more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from domain.values import NetworkId
from ingest.backoff import Backoff
from ingest.evidence import known_ids
from ingest.jobs import Job
from ingest.patience import wait_out
from ingest.profiles.shapes import Profile
from ingest.reconcile import report
from ingest.reconcile.closing import ReconcileCloser
from ingest.reconcile.comparing import Comparer
from ingest.reconcile.findings import Finding
from ingest.reconcile.report import Tally
from ingest.reconcile.requests import HEALS
from ingest.reconcile.survey import Survey
from ingest.reconcile.suspicion import request_confirming
from ingest.record import Recorder
from ingest.rpc import EventSource
from ingest.told import Read, Told
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient
from store.lease import Lease

RECONCILED: Final = "reconciled"
DIFFERENCE_FOUND: Final = "reconcile_difference_found"
_LOG = structlog.get_logger()
_FACTS_AT_ONCE: Final = 200  # each with its entry as evidence, up to 64 KiB
_MOST_LOGGED: Final = 20
STORAGE: Final = "storage"  # the source of such evidence

Write = Callable[[Callable[[], object]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class ReconcileWorker:
    """Works one job off; every write passes the record loop and carries the lease's fence.

    `profiles`: by contract id. `pause_seconds`: before what was changed meanwhile is read again.
    """

    database: Database
    rpc: EventSource
    network: NetworkId
    profiles: Mapping[str, Profile]
    recorder: Recorder
    closer: ReconcileCloser
    pause_seconds: float = 1.0

    async def work(self, job: Job, lease: Lease, write: Write) -> None:
        """Until the job is closed, however long the database is away."""
        backoff = Backoff()
        while True:
            try:
                await self._work(job, lease, write)
            except Transient as trouble:
                await wait_out(trouble, backoff)
            else:
                return

    async def _work(self, job: Job, lease: Lease, write: Write) -> None:
        close = partial(self.closer.close, job, lease=lease)
        profile = self.profiles.get(job.contract_id)
        tally = Tally()
        if profile is None:
            reason = "the contract is no longer followed"
            await write(partial(close, tally, heals_gaps=False, reason=reason))
            return
        comparer = Comparer(self.network, job.contract_id, profile)
        survey = Survey(self.database, self.rpc, comparer, pause_seconds=self.pause_seconds)
        async for batch in survey.batches():
            tally.add(batch, await self._heal(job, lease, write, batch.findings))
            done = min(tally.compared, survey.streams)
            await write(partial(self._say, job.contract_id, done, survey.streams))
        heals = survey.whole and bool(HEALS[job.kind])
        await write(partial(close, tally, heals_gaps=heals, reason=None))
        _tell(job, tally)

    async def _heal(
        self, job: Job, lease: Lease, write: Write, findings: Sequence[Finding]
    ) -> list[Finding]:
        """Record the facts that heal what this job may heal; the findings as they stand then."""
        kinds = HEALS[job.kind]
        told = [fact for each in findings if each.kind in kinds for fact in each.told]
        told.sort(key=lambda each: each.fact.chain_key)
        known = await asyncio.to_thread(self._known, told)
        fresh = [each for each in told if each.event_id not in known]
        for first in range(0, len(fresh), _FACTS_AT_ONCE):
            await write(partial(self._tell, job, lease, fresh[first : first + _FACTS_AT_ONCE]))
        if fresh:
            await write(partial(self._suspect, job, lease, fresh))
        ids = {each.event_id for each in fresh}
        return [
            each._replace(
                healed=bool(each.told) and all(fact.event_id in ids for fact in each.told)
            )
            for each in findings
        ]

    def _known(self, told: Sequence[Told]) -> set[str]:
        """What was told before and yet is missed again: it healed nothing, and is told no more."""
        with self.database.read() as conn:
            return known_ids(conn, [each.event_id for each in told])

    def _tell(self, job: Job, lease: Lease, told: Sequence[Told]) -> None:
        telling = Read(source=STORAGE, seen_at=now_micros())
        self.recorder.record_told(told, telling, lease=lease, job=job.id)

    def _suspect(self, job: Job, lease: Lease, told: Sequence[Told]) -> None:
        """Have the ledgers read whole in which the events of these facts must stand."""
        with self.database.begin() as conn:
            lease.renew(conn)
            request_confirming(conn, job.contract_id, told)

    def _say(self, contract_id: str, done: int, total: int) -> None:
        with self.database.begin(durable=False) as conn:
            report.say_under_way(conn, contract_id, done=done, total=total)


def _tell(job: Job, tally: Tally) -> None:
    """In the log: the result, and the first findings that stay open."""
    open_ones = [each for each in tally.kept if each.is_open]
    for each in open_ones[:_MOST_LOGGED]:
        _LOG.error(
            DIFFERENCE_FOUND,
            contract_id=job.contract_id,
            stream_id=each.stream_id,
            kind=each.kind.value,
            detail=each.detail,
        )
    _LOG.info(
        RECONCILED,
        job=job.id,
        contract_id=job.contract_id,
        verdict=tally.verdict,
        at_ledger=tally.at_ledger,
        streams=tally.compared,
        equal=tally.equal,
        healed=sum(each.healed for each in tally.kept),
    )
