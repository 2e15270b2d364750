"""Jobs: ranges scanned beside live following, by the same transaction."""

import pytest
from sqlalchemy import select

from domain.chain_order import FactJudged, HistoryRevised
from domain.contract import GapHealed, GapOpened, RangeFilled
from domain.errors import InvalidValue
from ingest import coverage, jobs
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger, window_end
from ingest.errors import NodeBehind, RangeUnavailable, RetentionGap
from store import log
from store.schema import ingest_job
from tests.fakes import chain
from tests.fakes.indexer import Indexer
from tests.fakes.pages import KnownTranslations, contract_event, page
from tests.fakes.scripted_rpc import ScriptedRpc


class ByPosition(ScriptedRpc):
    """Answers by the ledger that is asked for; everything else is empty up to the tip."""

    def __init__(self, answers, *, latest_ledger=100):
        super().__init__([], latest_ledger=latest_ledger)
        self._by_ledger = answers

    async def fetch_page(self, **question):
        answer = self._by_ledger.get(needed_ledger(question["cursor"]))
        if answer is None:
            return await super().fetch_page(**question)
        self.asked.append(question["cursor"])
        if isinstance(answer, Exception):
            raise answer
        return answer


def request(database, low, high):
    with database.begin() as conn:
        return jobs.request(
            conn, kind=jobs.BACKFILL, contract_id=chain.CONTRACT, ledgers=LedgerRange(low, high)
        )


def row(database, job):
    with database.read() as conn:
        return conn.execute(select(ingest_job).where(ingest_job.c.id == job.id)).one()


def kinds(indexer):
    return [type(event) for event in indexer.events()]


@pytest.mark.parametrize(("low", "high"), [(0, 5), (6, 5), (-1, -1)])
def test_a_range_that_is_none_is_refused(sqlite_database, low, high):
    with pytest.raises(InvalidValue, match="ledgers"):
        request(sqlite_database, low, high)


async def test_a_job_fills_a_gap_and_its_facts_take_their_place(sqlite_database):
    known = KnownTranslations()
    early = known.events(chain.created(2), chain.paused(3), chain.resumed(4))
    rpc = ByPosition(
        {
            1: RetentionGap(40, 1),
            50: page(known.events(chain.paused(60)), latest_ledger=100),
        }
    )
    indexer = Indexer(sqlite_database, rpc, known=known)
    await indexer.run(events=2)
    rpc._by_ledger = {1: page([*early, *known.events(chain.paused(60))])}
    job = request(sqlite_database, 1, 49)
    await indexer.run(events=8)
    assert kinds(indexer) == [
        GapOpened,
        FactJudged,
        FactJudged,
        FactJudged,
        FactJudged,
        HistoryRevised,
        GapHealed,
        RangeFilled,
    ]
    revision = indexer.events()[5]
    assert (revision.job, revision.state.pause_count) == (job.id, 2)
    assert (row(sqlite_database, job).state, row(sqlite_database, job).events_found) == ("done", 3)
    with sqlite_database.read() as conn:
        found = [tuple(each) for each in conn.execute(coverage.ranges(chain.CONTRACT))]
    assert found == [(1, 100)]


async def test_what_a_source_still_has_of_a_gap_is_filled_before_it_goes_too(sqlite_database):
    known = KnownTranslations()
    told = known.events(chain.created(42))
    rpc = ByPosition(
        {
            1: RetentionGap(40, 1),
            40: page(told, cursor=window_end(49)),
            50: page(known.events(chain.paused(60)), latest_ledger=100),
        }
    )
    with sqlite_database.begin() as conn:
        ledgers = LedgerRange(1, 49)
        job = jobs.request(conn, kind=jobs.HEAL, contract_id=chain.CONTRACT, ledgers=ledgers)
    indexer = Indexer(sqlite_database, rpc, known=known, start=50)
    await indexer.run(events=4)
    assert row(sqlite_database, job).state == "failed"
    with sqlite_database.read() as conn:
        (rest,) = conn.execute(select(ingest_job).where(ingest_job.c.id != job.id)).all()
    assert (rest.from_ledger, rest.to_ledger, rest.state, rest.events_found) == (40, 49, "done", 1)


async def test_a_ledger_that_does_not_read_does_not_keep_what_is_behind_it(sqlite_database):
    """Nor is a job asked for that begins where this one stands: it would fail for ever."""
    known = KnownTranslations()
    told = known.events(chain.created(42))
    rpc = ByPosition(
        {
            1: RangeUnavailable("ledger 1 does not read", 40),
            40: page(told, cursor=window_end(44)),
            45: RangeUnavailable("ledger 45 does not read", 45),
            50: page(known.events(chain.paused(60)), latest_ledger=100),
        }
    )
    with sqlite_database.begin() as conn:
        ledgers = LedgerRange(1, 49)
        jobs.request(conn, kind=jobs.HEAL, contract_id=chain.CONTRACT, ledgers=ledgers)
    indexer = Indexer(sqlite_database, rpc, known=known, start=50)
    await indexer.run(events=4)
    with sqlite_database.read() as conn:
        asked = conn.execute(select(ingest_job).order_by(ingest_job.c.created_at)).all()
    assert [(each.from_ledger, each.state) for each in asked] == [(1, "failed"), (40, "failed")]


async def test_a_job_whose_ledgers_nobody_has_says_so_and_closes(sqlite_database):
    known = KnownTranslations()
    rpc = ByPosition(
        {
            1: page(known.events(chain.created(2)), cursor=window_end(20)),
            21: RetentionGap(40, 21),
        }
    )
    job = request(sqlite_database, 1, 49)
    indexer = Indexer(sqlite_database, rpc, known=known, start=60)
    await indexer.run(events=2)
    ended = row(sqlite_database, job)
    assert (ended.state, ended.events_found) == ("failed", 1)
    assert "the oldest one kept is 40" in ended.reason
    filled = indexer.events()[-1]
    assert isinstance(filled, RangeFilled)
    assert (filled.from_ledger, filled.to_ledger) == (1, 20)


async def test_a_job_that_found_nothing_to_fill_records_nothing(sqlite_database):
    job = request(sqlite_database, 1, 49)
    indexer = Indexer(sqlite_database, ByPosition({1: RetentionGap(40, 1)}), start=60)
    await indexer.run()
    await _until_ended(indexer, sqlite_database, job)
    assert indexer.events() == []


async def _until_ended(indexer, database, job):
    for _ in range(5):
        if row(database, job).state == "failed":
            return
        await indexer.run()
    pytest.fail("the job did not end")


async def test_a_job_cut_short_goes_on_where_it_was(sqlite_database):
    known = KnownTranslations()
    job = request(sqlite_database, 1, 49)
    with sqlite_database.begin() as conn:
        conn.exec_driver_sql("UPDATE ingest_position SET cursor = ?", (window_end(30),))
    rpc = ByPosition({31: page(known.events(chain.created(40)), cursor=window_end(49))})
    indexer = Indexer(sqlite_database, rpc, known=known, start=60)
    await indexer.run(events=2)
    assert window_end(30) in rpc.asked
    assert row(sqlite_database, job).state == "done"
    with sqlite_database.read() as conn:
        assert len(log.read_after(conn, 0, 10)) == 2


async def test_a_job_cut_between_slices_whose_ledgers_are_gone_is_told_through(sqlite_database):
    job = request(sqlite_database, 1, 49)
    with sqlite_database.begin() as conn:
        conn.exec_driver_sql("UPDATE ingest_position SET through = ?", (chain.event_id(1),))
    indexer = Indexer(sqlite_database, ByPosition({1: RetentionGap(40, 1)}), start=60)
    await indexer.run(events=1)
    (filled,) = indexer.events()
    assert (filled.job, filled.from_ledger, filled.to_ledger) == (job.id, 1, 0)
    assert row(sqlite_database, job).state == "failed"


async def test_evidence_is_read_again_beside_live_following(sqlite_database):
    known = KnownTranslations()
    first = ByPosition(
        {1: page([contract_event(chain.created(2)), contract_event(chain.paused(3))])}
    )
    indexer = Indexer(sqlite_database, first, known=known)
    await indexer.run()
    assert indexer.events() == []
    known.events(chain.created(2), chain.paused(3))
    with sqlite_database.begin() as conn:
        job = jobs.request(
            conn, kind=jobs.REPROCESS, contract_id=chain.CONTRACT, ledgers=LedgerRange(1, 3)
        )
    later = ByPosition(
        {101: page(known.events(chain.created(110, stream_id=9)), latest_ledger=120)}
    )
    await Indexer(sqlite_database, later, known=known).run(events=4)
    assert sorted(each.__name__ for each in kinds(indexer)) == [*["FactJudged"] * 3, "RangeFilled"]
    assert (row(sqlite_database, job).state, row(sqlite_database, job).events_found) == ("done", 2)


def test_a_page_beyond_the_range_is_clipped_to_it():
    known = KnownTranslations()
    whole = page(known.events(chain.created(2), chain.paused(50)))
    part = jobs.clip(whole, 49)
    assert [event.ledger for event in part.events] == [2]
    assert part.cursor == window_end(49)
    inside = page(known.events(chain.created(2)), cursor=window_end(30))
    assert jobs.clip(inside, 49) is inside


async def test_a_job_that_must_wait_holds_no_other_up(sqlite_database):
    known = KnownTranslations()
    early = known.events(chain.created(2))
    waiting = request(sqlite_database, 150, 160)  # the chain is at 100
    behind = request(sqlite_database, 1, 49)
    rpc = ByPosition({1: page(early), 150: NodeBehind(100, 150)})
    indexer = Indexer(sqlite_database, rpc, known=known, start=60)
    await indexer.run(events=2)
    assert row(sqlite_database, behind).state == "done"
    told = row(sqlite_database, waiting)
    assert (told.state, told.reason) == (
        "waiting",
        "the node is at ledger 100, ledger 150 is needed",
    )


async def test_a_job_s_end_names_who_told_its_pages(sqlite_database):
    known = KnownTranslations()
    first = page(known.events(chain.created(2)), cursor=window_end(20), source="one")
    second = page(known.events(chain.paused(30)), cursor=window_end(45), source="two")
    third = page([], cursor=window_end(49), source="one")
    rpc = ByPosition({1: RetentionGap(40, 1)})
    indexer = Indexer(sqlite_database, rpc, known=known)
    await indexer.run(events=1)
    rpc._by_ledger = {1: first, 21: second, 46: third}
    job = request(sqlite_database, 1, 49)
    await indexer.run(events=5)
    assert row(sqlite_database, job).told_by == "one, two"
    (healed,) = [event for event in indexer.events() if isinstance(event, GapHealed)]
    assert healed.healed_by == f"backfill:{job.id} from one, two"
