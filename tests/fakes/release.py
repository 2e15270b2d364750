"""An active indexer with profiles of its own on a real database, and the one that takes over from it."""

import json
import textwrap
from pathlib import Path

from sqlalchemy import select

from cli.contract_profiles import ContractTranslator
from domain.values import network_id
from ingest import jobs, sources
from ingest.coverage import LedgerRange
from ingest.cursors import FIRST_LEDGER, LAST_LEDGER
from ingest.decode import decode_page
from ingest.job_closer import JobCloser
from ingest.jobs import Job
from ingest.judge import Judge
from ingest.profiles.loader import load_profile
from ingest.record import Recorder
from ingest.reprocess import Reprocessor
from ingest.states import StateCache
from store import log
from store.lease import Lease
from store.schema import evidence_outcome, ingest_job
from tests.fakes import chain, fake_rpc

NETWORK = network_id("test")


class Release:
    """Leads from the moment it is made; `profile`: text of the YAML file that it reads by."""

    def __init__(self, database, folder: Path, profile: str, *, slice_events=100, contract=None):
        (folder / "flow.yaml").write_text(textwrap.dedent(profile), encoding="utf-8")
        self.database = database
        translator = ContractTranslator({contract or chain.CONTRACT: load_profile("flow", folder)})
        self.label = next(iter(translator.labels.values()))
        cache = StateCache(NETWORK)
        judge = Judge(translator, cache, translator.reads_alike)
        self.recorder = Recorder(database, judge=judge, cache=cache, slice_events=slice_events)
        self.reprocessor = Reprocessor(
            database,
            judge=judge,
            recorder=self.recorder,
            cache=cache,
            labels=translator.labels,
            slice_events=slice_events,
        )
        self.closer = JobCloser(database, cache)
        self.lease = Lease(database, name="index", holder="release", seconds=60)
        assert self.lease.acquire() is not None
        with database.begin() as conn:
            (self.source,) = sources.arrange(conn, {chain.CONTRACT: 1}, now=1)

    def record(self, *wire, job=None):
        """Record events as a page of live following brings them."""
        told = json.dumps(fake_rpc.result(wire)).encode()
        with self.database.read() as conn:
            here = sources.position(conn, self.source.name)
        page = decode_page(told, source="rpc", seen_at=5)
        return self.recorder.record(
            page, source=self.source, position=here, lease=self.lease, job=job
        )

    def ask(self, kind=jobs.REPROCESS, *, profile=None) -> Job:
        """Ask for everything to be read again."""
        with self.database.begin() as conn:
            return jobs.request(
                conn,
                kind=kind,
                contract_id=chain.CONTRACT,
                ledgers=LedgerRange(FIRST_LEDGER, LAST_LEDGER),
                profile=profile,
            )

    def work_off(self) -> list[Job]:
        """All jobs that wait, and those that they ask for."""
        done = []
        while True:
            with self.database.read() as conn:
                job = next(iter(jobs.unfinished(conn)), None)
                if job is None:
                    return done
                here = sources.position(conn, job.source.name)
            reason = self.reprocessor.refusal(job)
            while reason is None and not jobs.is_through(job, here):
                here = self.reprocessor.step(job, here, self.lease)
            self.closer.close(job, here, self.lease, reason)
            done.append(job)

    def reprocess(self, kind=jobs.REPROCESS) -> Job:
        """Ask, and work off."""
        job = self.ask(kind)
        self.work_off()
        return job

    def events(self):
        """The log."""
        with self.database.read() as conn:
            return [recorded.event for recorded in log.read_after(conn, 0, 10_000)]

    def outcomes(self):
        """{event id: its outcomes, in order}."""
        found: dict[str, list[str]] = {}
        with self.database.read() as conn:
            for row in conn.execute(select(evidence_outcome).order_by(evidence_outcome.c.n)):
                found.setdefault(row.event_id, []).append(row.outcome)
        return found

    def job(self, job: Job):
        """The job's row."""
        with self.database.read() as conn:
            return conn.execute(select(ingest_job).where(ingest_job.c.id == job.id)).one()
