"""A gap is healed of its own accord, from whichever source has its ledgers, and says by whom."""

import asyncio
import time

import pytest
from sqlalchemy import func, select

from cli.contract_profiles import ContractTranslator
from domain.values import network_id
from ingest.actors.seek import ActorSeeker, SeekOptions
from ingest.certificate import certify
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger
from ingest.decode import Page
from ingest.errors import NodeBehind, RetentionGap
from ingest.follow import LiveFollow
from ingest.follow_options import FollowOptions
from ingest.gaps import GapRecorder
from ingest.healing import Healer
from ingest.job_closer import JobCloser
from ingest.jobs import BACKFILL, request
from ingest.judge import Judge
from ingest.ladder import Ladder, Rung
from ingest.ledgers.lake import LedgerLake
from ingest.profiles.loader import load_profile
from ingest.record import Recorder
from ingest.reprocess import Reprocessor
from ingest.states import StateCache
from ingest.writers import Writers
from simulator.chain import FIRST_LEDGER, Chain
from simulator.lake import GALEXIE, LakeWriter
from simulator.scenario import build
from store.lease import Lease
from store.schema import evidence, evidence_conflict, ingest_job
from tests.fakes.node import PASSPHRASE, built_chain, node

NETWORK = network_id(PASSPHRASE)

# actors come from transactions, whichever source told the events
TOLD_BY_EVENTS = evidence.c.event_id.not_like("actor:%")


class Window:
    """A source that has lost all ledgers before one, or has not come beyond another."""

    def __init__(self, source, *, oldest=0, ends_before=2**32):
        self.source = source
        self.oldest = oldest
        self.ends_before = ends_before

    def __getattr__(self, name):
        return getattr(self.source, name)

    async def fetch_page(self, **question) -> Page:
        needed = needed_ledger(question["cursor"])
        if needed < self.oldest:
            raise RetentionGap(self.oldest, needed)
        if needed >= self.ends_before:
            raise NodeBehind(self.ends_before - 1, needed)
        return await self.source.fetch_page(**question)


class Follower:
    """An indexer of one contract with sources of its own for the past."""

    def __init__(self, database, contract, live, history):
        self.database = database
        cache = StateCache(NETWORK)
        translator = ContractTranslator({contract: load_profile("paystream")})
        judge = Judge(translator, cache, translator.reads_alike)
        recorder = Recorder(database, judge=judge, cache=cache, slice_events=1000)
        lease = Lease(database, name="index", holder="a", seconds=6)
        seeking = SeekOptions(network=NETWORK, authorities={}, poll_seconds=0.02)
        self.contract = contract
        self.follow = LiveFollow(
            database,
            rpc=live,
            history=history,
            actors=ActorSeeker(database, rpc=live, recorder=recorder, lease=lease, options=seeking),
            writers=Writers(
                recorder=recorder,
                gaps=GapRecorder(database, cache=cache, margin_ledgers=0),
                jobs=JobCloser(database, cache),
                reprocessor=Reprocessor(
                    database,
                    judge=judge,
                    recorder=recorder,
                    cache=cache,
                    labels=translator.labels,
                ),
                healer=Healer(database, cache),
            ),
            lease=lease,
            options=FollowOptions(
                passphrase=PASSPHRASE,
                start_ledgers={contract: FIRST_LEDGER},
                poll_seconds=0.02,
                page_limit=1000,
                lease_seconds=6,
                margin_ledgers=0,
            ),
        )

    async def until(self, reached):
        """Follow until something holds of the database."""
        stop = asyncio.Event()
        following = asyncio.create_task(self.follow.run(stop))
        try:
            await asyncio.to_thread(self._wait, reached, following)
        finally:
            stop.set()
            await following

    def _wait(self, reached, following):
        deadline = time.monotonic() + 60
        while not following.done() and not self.read(reached):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def read(self, query):
        with self.database.read() as conn:
            return query(conn)

    def certificate(self, conn):
        return certify(conn, NETWORK, self.contract, from_ledger=FIRST_LEDGER, to_ledger=None)


def ended_jobs(conn):
    ended = ingest_job.c.state.in_(("done", "failed"))
    return conn.execute(select(ingest_job).where(ended)).all()


async def test_a_gap_heals_itself_from_the_lake_and_from_get_ledgers(database, tmp_path):
    with built_chain(scenario="steady", events=60) as chain:
        told = [each for each in chain.events if each.contract_id == chain.cast.contract_id]
        first, last = told[0], told[-1]
        lost, lake_end = int(told[40].event_id[:19]) >> 32, int(told[20].event_id[:19]) >> 32
        LakeWriter(tmp_path, passphrase=PASSPHRASE, shape=GALEXIE).write(chain)
        lake = LedgerLake(f"file://{tmp_path}", passphrase=PASSPHRASE, timeout_seconds=10)
        async with node(chain) as served:
            live = Window(served.events, oldest=lost)
            history = Ladder(
                [
                    Rung("getEvents", live),
                    Rung("getLedgers", Window(served.ledgers, oldest=lake_end)),
                    Rung("lake", Window(lake, ends_before=lake_end)),
                ]
            )
            follower = Follower(database, chain.cast.contract_id, live, history)
            await follower.until(lambda conn: len(ended_jobs(conn)) == 1)
        (job,) = follower.read(ended_jobs)
        assert (job.kind, job.state) == ("heal", "done")
        assert job.told_by == f"{lake.name}, {served.ledgers.name}"
        found = follower.read(
            lambda conn: conn.execute(
                select(evidence).where(TOLD_BY_EVENTS).order_by(evidence.c.event_id)
            ).all()
        )
        assert [row.event_id for row in found] == [each.event_id for each in told]
        sources = {row.event_id: row.source for row in found}
        assert sources[first.event_id] == lake.name
        assert sources[last.event_id] == served.events.name
        assert served.ledgers.name in sources.values()
        certificate = follower.read(follower.certificate)
        assert certificate.complete
        (gap,) = certificate.gaps
        assert gap.healed_by == f"heal:{job.id} from {job.told_by}"


async def test_a_gap_that_nobody_can_fill_stays_open_and_names_each_source(
    sqlite_database, tmp_path
):
    with built_chain(scenario="steady", events=30) as chain:
        lost = int(chain.events[-5].event_id[:19]) >> 32
        lake = LedgerLake(f"file://{tmp_path}/none", passphrase=PASSPHRASE, timeout_seconds=10)
        async with node(chain) as served:
            live = Window(served.events, oldest=lost)
            history = Ladder([Rung("getEvents", live), Rung(lake.name, lake)])
            follower = Follower(sqlite_database, chain.cast.contract_id, live, history)
            await follower.until(lambda conn: len(ended_jobs(conn)) == 1)
        (job,) = follower.read(ended_jobs)
        assert job.state == "failed"
        assert f"getEvents: ledger {FIRST_LEDGER} is needed, the oldest one kept" in job.reason
        assert f"lake file://{tmp_path}/none: it cannot be opened" in job.reason
        assert not follower.read(follower.certificate).complete


async def test_a_hole_in_the_lake_costs_its_own_ledgers_only(sqlite_database, tmp_path):
    with built_chain(scenario="steady", events=60) as chain:
        told = [each for each in chain.events if each.contract_id == chain.cast.contract_id]
        lost, hole = (int(told[place].event_id[:19]) >> 32 for place in (40, 20))
        LakeWriter(tmp_path, passphrase=PASSPHRASE, shape=GALEXIE).write(chain)
        next(tmp_path.rglob(f"*--{hole}.xdr.zst")).unlink()
        lake = LedgerLake(f"file://{tmp_path}", passphrase=PASSPHRASE, timeout_seconds=10)
        async with node(chain) as served:
            live = Window(served.events, oldest=lost)
            history = Ladder([Rung("getEvents", live), Rung(lake.name, lake)])
            follower = Follower(sqlite_database, chain.cast.contract_id, live, history)
            await follower.until(lambda conn: len(ended_jobs(conn)) == 2)
        states = {(job.from_ledger, job.to_ledger): job.state for job in follower.read(ended_jobs)}
        assert states == {(FIRST_LEDGER, lost - 1): "failed", (hole + 1, lost - 1): "done"}
        gaps = [each for each in follower.read(follower.certificate).gaps if each.is_open]
        assert [tuple(each.ledgers) for each in gaps] == [(hole, hole)]


@pytest.mark.parametrize("other_seed", [1, 2])
async def test_what_another_source_tells_is_one_event_or_a_conflict(
    sqlite_database, tmp_path, other_seed
):
    """The lake is of the same chain, or of one on which other things happened under the same ids."""
    with built_chain(scenario="steady", events=30) as chain:
        options = {"streams": 6, "passphrase": PASSPHRASE}
        genesis_at = chain.ledger(FIRST_LEDGER).closed_at - 5
        with Chain(seed=1, genesis_at=genesis_at, **options) as other:
            build(
                other,
                scenario="steady",
                seed=other_seed,
                events=30,
                closed_at=chain.ledger(FIRST_LEDGER).closed_at,
            )
            LakeWriter(tmp_path, passphrase=PASSPHRASE, shape=GALEXIE).write(other)
            last = min(chain.latest.sequence, other.latest.sequence)
        lake = LedgerLake(f"file://{tmp_path}", passphrase=PASSPHRASE, timeout_seconds=10)
        contract = chain.cast.contract_id
        async with node(chain) as served:
            follower = Follower(
                sqlite_database, contract, served.events, Ladder([Rung(lake.name, lake)])
            )
            seen = select(func.count()).where(TOLD_BY_EVENTS)
            count = sum(each.contract_id == contract for each in chain.events)
            await follower.until(lambda conn: conn.scalar(seen) == count)
            with sqlite_database.begin() as conn:
                ledgers = LedgerRange(FIRST_LEDGER, last)
                request(conn, kind=BACKFILL, contract_id=contract, ledgers=ledgers)
            await follower.until(lambda conn: len(ended_jobs(conn)) == 1)
        conflicts = follower.read(lambda conn: conn.execute(select(evidence_conflict)).all())
        assert {row.source for row in conflicts} <= {lake.name}
        assert bool(conflicts) == (other_seed != 1)
        if other_seed == 1:
            assert follower.read(lambda conn: conn.scalar(seen)) == count
