"""T1: a page becomes evidence, events, states, cursor and coverage, all or nothing, once."""

import pytest
from sqlalchemy import func, select

from domain import contract
from domain.chain_order import FactJudged, HistoryRevised
from domain.facts import ContractUpgraded
from domain.values import contract_uuid, network_id, stream_uuid
from ingest import coverage, sources
from ingest.cursors import window_end
from ingest.errors import CursorMoved, RetentionGap
from ingest.gaps import GapRecorder
from ingest.judge import Judge
from ingest.record import Recorder
from ingest.slices import Fetched, slices
from ingest.sources import Position
from ingest.states import StateCache
from store import log
from store.errors import FenceLost, LeaseLost
from store.lease import Lease
from store.schema import (
    evidence,
    evidence_conflict,
    evidence_outcome,
    snapshot,
    stream_state,
)
from tests.fakes import chain
from tests.fakes.pages import KnownTranslations, contract_event, page

NETWORK = network_id("test")


class Desk:
    """A recorder on a database, with its lease and one source at ledger 1."""

    def __init__(self, database, slice_events=1000):
        self.database = database
        self.known = KnownTranslations()
        self.cache = StateCache(NETWORK)
        self.recorder = Recorder(
            database,
            judge=Judge(self.known, self.cache),
            cache=self.cache,
            slice_events=slice_events,
        )
        self.gaps = GapRecorder(database, cache=self.cache, margin_ledgers=10)
        self.lease = Lease(database, name="index", holder="test", seconds=60)
        assert self.lease.acquire() is not None
        with database.begin() as conn:
            (self.source,) = sources.arrange(conn, {chain.CONTRACT: 1}, now=1)

    @property
    def position(self) -> Position:
        with self.database.read() as conn:
            return sources.position(conn, self.source.name)

    def record(self, *facts, position=None, cursor=None, latest_ledger=100, job=None):
        return self.recorder.record(
            page(self.known.events(*facts), cursor=cursor, latest_ledger=latest_ledger),
            source=self.source,
            position=position or self.position,
            lease=self.lease,
            job=job,
        )

    def fetched(self, *facts, told=None):
        events = self.known.events(*facts) if told is None else told
        return Fetched(page=page(events), source=self.source, position=self.position)

    def rows(self, table):
        with self.database.read() as conn:
            return conn.execute(select(table)).all()

    def count(self, table):
        with self.database.read() as conn:
            return conn.scalar(select(func.count()).select_from(table))

    def scanned(self):
        with self.database.read() as conn:
            return [tuple(row) for row in conn.execute(coverage.ranges(chain.CONTRACT))]

    def events(self):
        with self.database.read() as conn:
            return [recorded.event for recorded in log.read_after(conn, 0, 1000)]


@pytest.fixture
def desk(sqlite_database):
    return Desk(sqlite_database)


def test_a_page_becomes_evidence_events_states_cursor_and_coverage(desk):
    recorded = desk.record(chain.created(2), chain.paused(3), chain.contract_pause(4))
    assert recorded.outcomes == {"applied": 3}
    assert desk.count(evidence) == 3
    assert [row.position for row in desk.rows(evidence_outcome)] == [1, 2, 3]
    (state,) = desk.rows(stream_state)
    assert (state.originator_id, state.status) == (
        stream_uuid(NETWORK, chain.CONTRACT, 7),
        "paused",
    )
    assert (
        desk.position
        == recorded.position
        == Position(source=desk.source.name, cursor=window_end(100))
    )
    assert desk.scanned() == [(1, 100)]


def test_a_page_recorded_twice_changes_nothing(desk):
    before = desk.position
    desk.record(chain.created(2), chain.paused(3), position=before)
    with pytest.raises(CursorMoved):
        desk.record(chain.created(2), chain.paused(3), position=before)
    assert len(desk.events()) == 2
    desk.record(chain.created(2), chain.paused(3))
    assert len(desk.events()) == 2
    assert desk.count(evidence_conflict) == 0


def test_an_empty_page_moves_the_cursor_and_the_coverage_only(desk):
    recorded = desk.record(latest_ledger=50)
    assert recorded.outcomes == {}
    assert desk.position.cursor == window_end(50)
    assert desk.events() == []


def test_a_full_page_scans_up_to_the_ledger_before_its_cursor(desk):
    desk.record(chain.created(2), cursor=chain.event_id(40))
    assert desk.scanned() == [(1, 39)]


def test_other_bytes_under_a_known_id_are_kept_apart_and_the_first_stand(desk):
    fact = chain.created(2)
    desk.record(fact)
    changed = page([contract_event(fact, value=b"forged")])
    recorded = desk.recorder.record(
        changed, source=desk.source, position=desk.position, lease=desk.lease
    )
    assert recorded.conflicts == 1
    assert (desk.count(evidence), desk.count(evidence_conflict), len(desk.events())) == (1, 1, 1)


def test_what_is_not_understood_is_quarantined_and_the_rest_goes_on(desk):
    unknown, concern = contract_event(chain.paused(3)), contract_event(chain.paused(4))
    desk.known.ignore(concern.event_id)
    mixed = page([*desk.known.events(chain.created(2)), unknown, concern])
    recorded = desk.recorder.record(
        mixed, source=desk.source, position=desk.position, lease=desk.lease
    )
    assert recorded.outcomes == {"applied": 1, "quarantined": 1, "ignored": 1}
    assert desk.count(evidence) == 3
    by_id = {row.event_id: row for row in desk.rows(evidence_outcome)}
    assert by_id[unknown.event_id].reason == "no shape of the profile fits"
    assert by_id[unknown.event_id].position is None


def test_a_page_larger_than_a_slice_is_written_in_slices_that_stand_alone(sqlite_database):
    desk = Desk(sqlite_database, slice_events=2)
    facts = [chain.created(2), chain.paused(3), chain.resumed(4), chain.paused(5), chain.resumed(6)]
    parts = list(slices(desk.fetched(*facts), 2))
    assert [part.after.through for part in parts] == [facts[1].event_id, facts[3].event_id, None]
    assert [part.scanned is None for part in parts] == [True, True, False]
    desk.record(*facts)
    assert len(desk.events()) == 5


def test_a_page_cut_short_goes_on_after_its_last_slice(sqlite_database):
    desk = Desk(sqlite_database, slice_events=2)
    facts = [chain.created(2), chain.paused(3), chain.resumed(4)]
    first, _ = slices(desk.fetched(*facts), 2)
    desk.recorder._record_slices([first], desk.lease, None)
    assert desk.position.through == facts[1].event_id
    desk.recorder.forget()
    desk.record(*facts)
    assert [event.fact.event_id for event in desk.events()] == [fact.event_id for fact in facts]
    assert desk.position.through is None


def test_an_event_that_the_first_node_left_out_of_a_cut_page_is_not_lost(sqlite_database):
    desk = Desk(sqlite_database, slice_events=2)
    facts = [chain.created(2), chain.paused(3), chain.resumed(4), chain.paused(5)]
    told = desk.known.events(*facts)
    first, _ = slices(desk.fetched(told=[told[0], told[2], told[3]]), 2)
    desk.recorder._record_slices([first], desk.lease, None)
    desk.recorder.forget()
    desk.record(*facts)
    assert desk.count(evidence) == 4


def test_on_any_failure_nothing_is_written_and_the_states_are_read_again(desk):
    desk.record(chain.created(2))
    with desk.database.begin() as conn:
        conn.exec_driver_sql("UPDATE log_head SET fence = fence + 1")
    with pytest.raises((FenceLost, LeaseLost)):
        desk.record(chain.paused(3), latest_ledger=120)
    assert (desk.count(evidence), len(desk.events())) == (1, 1)
    assert desk.position.cursor == window_end(100)
    assert desk.cache._streams == {}


def test_the_lease_of_another_holder_stops_the_record(desk):
    with desk.database.begin() as conn:
        conn.exec_driver_sql("UPDATE lease SET holder = 'other', epoch = epoch + 1")
    with pytest.raises(LeaseLost):
        desk.record(chain.created(2))
    assert desk.count(evidence) == 0


def test_late_facts_bring_one_revision_and_a_snapshot(desk):
    desk.record(chain.created(2), chain.paused(9))
    desk.record(chain.paused(4), chain.resumed(5), latest_ledger=120, job="job-1")
    late = desk.events()[2:]
    assert [type(event) for event in late] == [FactJudged, FactJudged, HistoryRevised]
    assert late[-1].job == "job-1"
    assert desk.count(snapshot) == 1


def test_the_states_survive_a_restart_of_the_recorder(desk):
    desk.record(chain.created(2), chain.paused(3), chain.contract_pause(4))
    desk.recorder.forget()
    desk.record(chain.resumed(5), chain.contract_pause(6), latest_ledger=120)
    assert [event.verdict for event in desk.events()] == ["applied"] * 4 + ["repeated"]


def test_the_cache_is_bounded_and_read_again_from_the_rows(sqlite_database):
    desk = Desk(sqlite_database)
    desk.cache._kept = 1
    desk.record(chain.created(2, stream_id=1), chain.created(3, stream_id=2))
    assert len(desk.cache._streams) == 0
    desk.record(chain.paused(4, stream_id=1), chain.paused(5, stream_id=2), latest_ledger=120)
    assert [event.verdict for event in desk.events()] == ["applied"] * 4


def test_an_upgrade_tells_how_the_events_of_its_slice_read(desk):
    upgraded = ContractUpgraded(**chain.place(3), previous_wasm="aa", wasm="bb")
    desk.record(chain.created(2), upgraded, chain.paused(4))
    # The upgrade is read first: it tells what ran before it, too.
    assert desk.known.wasm_seen == [None, "aa", "bb"]
    desk.record(chain.resumed(5), latest_ledger=120)
    assert desk.known.wasm_seen[-1] == "bb"


def test_the_log_of_a_slice_reads_in_chain_order_across_streams(desk):
    facts = [
        chain.created(2, stream_id=1),
        chain.created(3, stream_id=2),
        chain.paused(4, stream_id=1),
    ]
    desk.record(*facts)
    assert [event.fact.event_id for event in desk.events()] == [fact.event_id for fact in facts]


def test_a_gap_is_recorded_on_each_contract_and_the_cursor_moves_past_it_at_once(desk):
    desk.record(chain.created(2), latest_ledger=50)
    after = desk.gaps.open_gap(desk.source, desk.position, RetentionGap(200, 51), desk.lease)
    assert desk.position == after
    gap = desk.events()[-1]
    assert (gap.from_ledger, gap.to_ledger) == (51, 209)
    assert gap.originator_id == contract_uuid(NETWORK, chain.CONTRACT)
    assert desk.scanned() == [(1, 50)]
    with desk.database.read() as conn:
        state = contract.fold(
            None, [each.event for each in log.read_aggregate(conn, gap.originator_id)]
        )
    assert desk.cache.contract(chain.CONTRACT).state == state
    assert [(each.from_ledger, each.to_ledger) for each in state.gaps] == [(51, 209)]


def test_a_gap_at_a_stale_position_writes_nothing(desk):
    stale = Position(source=desk.source.name, cursor=window_end(7))
    with pytest.raises(CursorMoved):
        desk.gaps.open_gap(desk.source, stale, RetentionGap(200, 8), desk.lease)
    assert desk.events() == []


def test_a_window_smaller_than_the_margin_is_entered_at_its_newest_ledger(desk):
    desk.record(chain.created(2), latest_ledger=50)
    desk.gaps.open_gap(desk.source, desk.position, RetentionGap(200, 51, 203), desk.lease)
    assert desk.events()[-1].to_ledger == 202
    assert desk.position.cursor == window_end(202)
