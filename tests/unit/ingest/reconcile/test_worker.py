"""Reconcile jobs: what they record, which gaps they heal, what they leave to people."""

import msgspec
import pytest
from sqlalchemy import select

from domain.chain_order import FactConfirmed, FactJudged
from domain.contract import GapHealed, GapOpened, RangeFilled
from ingest.certificate import certify
from ingest.errors import RetentionGap
from ingest.jobs import CONFIRM
from ingest.reconcile import report
from ingest.reconcile.closing import ReconcileCloser
from ingest.reconcile.findings import Finding, Kind
from ingest.reconcile.report import MOST_KEPT, Tally
from ingest.reconcile.requests import BY_HAND, CHECK, ON_SCHEDULE, Schedule, join
from ingest.reconcile.worker import ReconcileWorker
from store.clock import now_micros
from store.errors import DatabaseLocked
from store.schema import evidence, evidence_conflict, ingest_job
from tests.fakes import chain, kept
from tests.fakes.kept import Node, instance, record, stream
from tests.unit.ingest.test_record import NETWORK, Desk

GAP = range(40, 60)


class Bench:
    """A desk, a node and a worker; jobs are worked off at once."""

    def __init__(self, database):
        self.desk = Desk(database)
        self.node = Node()
        self.node.put_instance()
        self.node.put_stream(7, stream("Paused"), record(10))
        self.worker = ReconcileWorker(
            database=database,
            rpc=self.node,
            network=NETWORK,
            profiles={chain.CONTRACT: kept.PAYSTREAM},
            recorder=self.desk.recorder,
            closer=ReconcileCloser(database, self.desk.cache),
            pause_seconds=0,
        )

    async def work(self, kind=BY_HAND):
        with self.desk.database.begin() as conn:
            job = join(conn, kind=kind, contract_id=chain.CONTRACT)

        async def write(act):
            act()

        await self.worker.work(job, self.desk.lease, write)
        return job

    def found(self):
        with self.desk.database.read() as conn:
            return report.last(conn, chain.CONTRACT)

    def named(self):
        return [(each.kind, each.stream_id, each.healed) for each in self.found().findings]

    def row(self, job):
        with self.desk.database.read() as conn:
            return conn.execute(select(ingest_job).where(ingest_job.c.id == job.id)).one()


@pytest.fixture
def bench(sqlite_database):
    return Bench(sqlite_database)


async def test_a_missed_pause_is_recorded_with_the_entry_as_its_evidence(bench):
    bench.desk.record(chain.created(1))
    job = await bench.work()
    *_, judged, filled = bench.desk.events()
    assert isinstance(judged, FactJudged)
    assert judged.fact.closed_at == kept.second(10)
    assert (filled.job, filled.from_ledger, filled.to_ledger) == (job.id, 1, 100)
    (told,) = [row for row in bench.desk.rows(evidence) if row.event_id.startswith("storage:")]
    assert told.source == "storage"
    (entry,) = [each for key, each in bench.node.entries.items() if each.xdr in told.bytes]
    assert entry.xdr == bench.node.entries[kept.ledger_key(kept.variant("PauseHistory", 7))].xdr
    assert bench.named() == [(Kind.PAUSE_MISSED, 7, True)]
    found = bench.found()
    assert (found.verdict, found.at_ledger, found.streams, found.equal) == ("equal", 100, 1, 1)
    assert (bench.row(job).state, bench.row(job).events_found) == ("done", 1)


async def test_healed_twice_is_once(bench):
    bench.desk.record(chain.created(1))
    await bench.work()
    before = bench.desk.events()
    await bench.work()
    assert bench.desk.events() == before
    assert bench.found().findings == []
    assert bench.desk.rows(evidence_conflict) == []


async def test_the_events_that_come_after_all_confirm_what_was_healed(bench):
    bench.desk.record(chain.created(1), latest_ledger=50)
    await bench.work()
    bench.desk.record(chain.paused(10), latest_ledger=101)
    assert [type(each) for each in bench.desk.events()].count(FactConfirmed) == 1
    await bench.work()
    assert (bench.found().verdict, bench.found().findings) == ("equal", [])


async def test_a_check_records_nothing_but_its_result(bench):
    bench.desk.record(chain.created(1))
    job = await bench.work(CHECK)
    assert len(bench.desk.events()) == 1
    assert bench.named() == [(Kind.PAUSE_MISSED, 7, False)]
    assert (bench.found().verdict, bench.found().equal) == ("differs", 0)
    assert bench.row(job).state == "done"


@pytest.mark.parametrize(("kind", "healed"), [(ON_SCHEDULE, False), (BY_HAND, True)])
async def test_whom_a_stream_concerns_is_changed_by_hand_only(bench, kind, healed):
    other = kept.scval.to_address(chain.OTHER)
    bench.node.put_stream(7, stream("Paused", employee=other), record(10))
    bench.desk.record(chain.created(1))
    await bench.work(kind)
    assert bench.named() == [(Kind.PAUSE_MISSED, 7, True), (Kind.PARTIES, 7, healed)]


async def test_a_silent_emergency_pause_is_recorded_on_the_contract(bench):
    bench.desk.record(chain.created(1), chain.paused(10))
    bench.node.put_instance(instance(paused=True), changed=30)
    await bench.work(ON_SCHEDULE)
    *_, judged, _ = bench.desk.events()
    assert judged.fact.event_id == f"storage:{chain.CONTRACT}:-:paused=true:30"
    assert (judged.verdict, judged.fact.paused) == ("applied", True)


async def gapped(bench):
    """Ledgers 40 to 59 left the RPC's window unseen."""
    bench.desk.record(chain.created(1), chain.paused(10), latest_ledger=39)
    gap = RetentionGap(50, 40)
    bench.desk.gaps.open_gap(bench.desk.source, bench.desk.position, gap, bench.desk.lease)
    bench.desk.record(latest_ledger=100)


def certificate(bench):
    with bench.desk.database.read() as conn:
        return certify(conn, NETWORK, chain.CONTRACT, from_ledger=None, to_ledger=None)


async def test_a_gap_whose_pauses_are_known_is_healed_by_storage_and_stays_incomplete(bench):
    await gapped(bench)
    bench.node.put_stream(7, stream("Active"), record(10), record(45, is_pause=False))
    await bench.work()
    healed = [each for each in bench.desk.events() if isinstance(each, GapHealed)]
    assert [(each.from_ledger, each.to_ledger, each.healed_by) for each in healed] == [
        (40, 59, "storage")
    ]
    found = certificate(bench)
    assert (found.complete, found.gaps[0].healed_by) == (False, "storage")
    assert found.reconciled.verdict == "equal"
    await bench.work()
    assert len([each for each in bench.desk.events() if isinstance(each, GapHealed)]) == 1


@pytest.mark.parametrize("why", ["check", "unreadable", "no counter", "behind"])
async def test_a_gap_stays_open_while_any_pause_may_be_unknown(bench, why):
    await gapped(bench)
    if why == "unreadable":
        bench.node.put_stream(7, stream("Paused"), kept.scval.to_void())
    if why == "no counter":
        counter = msgspec.structs.replace(kept.LAYOUT.instance, streams=None)
        storage = msgspec.structs.replace(kept.LAYOUT, instance=counter)
        bench.worker.profiles[chain.CONTRACT] = kept.PAYSTREAM._replace(
            default=kept.PAYSTREAM.default._replace(storage=storage)
        )
    if why == "behind":
        bench.node.latest_ledger = 55
    await bench.work(CHECK if why == "check" else BY_HAND)
    assert [type(each) for each in bench.desk.events()].count(GapOpened) == 1
    assert not [each for each in bench.desk.events() if isinstance(each, GapHealed)]


async def test_a_contract_that_left_ends_its_job(bench):
    bench.worker.profiles.clear()
    job = await bench.work()
    assert (bench.row(job).state, bench.row(job).reason) == (
        "failed",
        "the contract is no longer followed",
    )
    assert bench.found() is None


async def test_a_database_that_is_away_for_a_moment_is_waited_for(bench, monkeypatch):
    bench.desk.record(chain.created(1))
    told = []

    class Away:
        def close(self, *given, **named):
            told.append(given)
            if len(told) == 1:
                raise DatabaseLocked("busy")
            return ReconcileCloser(bench.desk.database, bench.desk.cache).close(*given, **named)

    object.__setattr__(bench.worker, "closer", Away())
    job = await bench.work()
    assert (len(told), bench.row(job).state) == (2, "done")
    assert isinstance(
        bench.desk.events()[-1], RangeFilled
    )  # though the second survey found nothing


async def test_what_was_told_before_and_is_missed_again_stays_open(bench):
    """An aggregate that lost a fact it has evidence of: healing does not tell it twice."""
    bench.desk.record(chain.created(1))
    await bench.work()
    with bench.desk.database.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER recorded_event_no_delete")
        conn.exec_driver_sql("DELETE FROM recorded_event WHERE position = 2")
    await bench.work()
    assert bench.named() == [(Kind.PAUSE_MISSED, 7, False)]


def test_findings_beyond_what_is_kept_are_counted(sqlite_database):
    tally = Tally()
    findings = [Finding(Kind.UNREADABLE, n, "cut") for n in range(MOST_KEPT + 5)]
    batch = report.Batch(100, findings, compared=MOST_KEPT + 5)
    tally.add(batch, findings)
    with sqlite_database.begin() as conn:
        report.keep(conn, chain.CONTRACT, tally)
    with sqlite_database.read() as conn:
        found = report.last(conn, chain.CONTRACT)
    assert (found.found, len(found.findings), found.equal) == (MOST_KEPT + 5, MOST_KEPT, 0)


def schedule(bench, hours=24.0, *, heal=True):
    return Schedule(bench.desk.database, hours, heal)


def jobs(bench):
    kinds = [row.kind for row in bench.desk.rows(ingest_job)]
    return [kind for kind in kinds if kind != CONFIRM]


def close_lately(bench, ago=0):
    with bench.desk.database.begin() as conn:
        conn.exec_driver_sql(
            "UPDATE ledger_close SET closed_at = ? WHERE ledger = 100",
            (now_micros() // 1_000_000 - ago,),
        )


@pytest.mark.parametrize(
    ("hours", "heal", "ago", "expected"),
    [
        (24, True, 10, [ON_SCHEDULE]),
        (24, False, 10, [CHECK]),
        (0, True, 10, []),
        (24, True, 500, []),
    ],
)
async def test_a_contract_is_due_once_following_has_caught_up(bench, hours, heal, ago, expected):
    bench.desk.record(chain.created(1))
    close_lately(bench, ago)
    planned = schedule(bench, hours, heal=heal)
    planned.request_due(bench.desk.lease)
    planned.request_due(bench.desk.lease)
    assert jobs(bench) == expected


async def test_it_is_due_again_after_its_hours_and_never_twice_at_once(bench):
    bench.desk.record(chain.created(1))
    close_lately(bench)
    schedule(bench).request_due(bench.desk.lease)
    schedule(bench).request_due(bench.desk.lease)
    assert jobs(bench) == [ON_SCHEDULE]
    await bench.work(ON_SCHEDULE)
    schedule(bench).request_due(bench.desk.lease)
    assert jobs(bench) == [ON_SCHEDULE]
    with bench.desk.database.begin() as conn:
        conn.exec_driver_sql("UPDATE reconciliation SET finished_at = 1")
    schedule(bench).request_due(bench.desk.lease)
    assert jobs(bench) == [ON_SCHEDULE] * 2
