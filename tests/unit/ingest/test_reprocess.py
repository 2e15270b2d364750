"""Reprocess: what was not understood is understood later, once, in its place; what was told stands."""

import json

import pytest
from sqlalchemy import func, select
from stellar_sdk import scval

from domain.chain_order import FactJudged, HistoryRevised
from domain.contract import GapHealed, GapOpened, RangeFilled
from domain.facts import ContractUpgraded, StreamPaused, StreamResumed
from domain.values import contract_uuid
from ingest import coverage, jobs, profile_conflicts, sources
from ingest.decode import decode_page
from ingest.told import Read, Told
from store import log
from store.errors import LeaseLost
from store.schema import evidence
from tests.fakes import chain
from tests.fakes.chain import event_id
from tests.fakes.fake_rpc import paused, result, wire_event
from tests.fakes.release import NETWORK, Release

STREAM = (
    "topics: [stream_id: u64], data: {vec: [employer: address, employee: address, stated_at: u64]}"
)
PAUSED = f"{{event: paused, scope: stream, {STREAM}, fact: StreamPaused}}"
RESUMED = f"{{event: resumed, scope: stream, {STREAM}, fact: StreamResumed}}"
TURNED = f"{{event: paused, scope: stream, {STREAM}, fact: StreamResumed}}"
OLD, NEW = "aa" * 32, "bb" * 32


def profile(*events, version=1, more=""):
    return f"{{version: {version}, events: [{', '.join(events)}]{more}}}"


def by_code(wasm, *events):
    """A section for one wasm hash."""
    return f", wasm: [{{hashes: ['{wasm}'], events: [{', '.join(events)}]}}]"


NOTHING, BOTH = profile(), profile(PAUSED, RESUMED, version=2)


def resumed(ledger, index=0, stream_id=7, **other):
    told = paused(ledger, index, stream_id=stream_id, **other)
    return told | {"topic": [scval.to_symbol("resumed").to_xdr(), told["topic"][1]]}


def upgraded(ledger, index=0, *, old=OLD, new=NEW):
    def executable(wasm):
        return scval.to_vec([scval.to_symbol("Wasm"), scval.to_bytes(bytes.fromhex(wasm))])

    topics = [scval.to_symbol("executable_update"), executable(old), executable(new)]
    return wire_event(ledger, index, topics=topics, value=scval.to_vec([]), type="system")


def facts_of(release):
    return [type(each.fact) for each in release.events() if isinstance(each, FactJudged)]


def take_over(first, *arguments, **options):
    first.lease.release()
    return Release(first.database, *arguments, **options)


def conflicts(release):
    with release.database.read() as conn:
        return profile_conflicts.standing(conn, chain.CONTRACT)


def test_what_a_profile_learns_enters_the_log_at_its_place(database, tmp_path):
    first = Release(database, tmp_path, profile(RESUMED))
    first.record(paused(2), resumed(4))
    assert facts_of(first) == [StreamResumed]
    second = take_over(first, tmp_path, BOTH)
    job = second.reprocess()
    assert second.outcomes() == {
        event_id(2): ["quarantined", "applied"],
        event_id(4): ["applied"],
    }
    late, revised, filled = second.events()[1:]
    assert (late.fact.ledger, late.late, late.verdict) == (2, True, "applied")
    assert isinstance(revised, HistoryRevised)
    assert (revised.job, revised.state.pause_count, revised.state.paused_seconds) == (job.id, 1, 10)
    assert isinstance(filled, RangeFilled)
    assert (second.job(job).state, second.job(job).events_found) == ("done", 1)


def test_twice_is_once_and_the_second_time_leaves_no_trace(database, tmp_path):
    first = Release(database, tmp_path, NOTHING)
    first.record(paused(2), resumed(4), wire_event(5))
    second = take_over(first, tmp_path, BOTH)
    second.reprocess()
    log_so_far, outcomes = second.events(), second.outcomes()
    for kind in (jobs.REPROCESS, jobs.REPROCESS_ALL):
        again = second.reprocess(kind)
        assert (second.job(again).state, second.job(again).events_found) == ("done", 0)
    assert second.events() == log_so_far
    assert second.outcomes() == outcomes
    assert outcomes[event_id(5)] == ["quarantined"]


def test_a_death_in_the_middle_of_a_slice_leaves_it_as_it_was(database, tmp_path, monkeypatch):
    def die(point):
        raise SystemExit(point)

    first = Release(database, tmp_path, NOTHING)
    first.record(paused(2), resumed(4))
    before = first.outcomes()
    second = take_over(first, tmp_path, BOTH)
    with monkeypatch.context() as dying:
        dying.setattr("ingest.reprocess.reached", die)
        with pytest.raises(SystemExit, match="in_reprocess"):
            second.reprocess()
    assert second.outcomes() == before
    assert facts_of(second) == []
    second.reprocess()
    assert facts_of(second) == [StreamPaused, StreamResumed]


def test_no_evidence_no_coverage_and_no_gap_changes(sqlite_database, tmp_path):
    first = Release(sqlite_database, tmp_path, NOTHING)
    first.record(paused(2))
    gap = GapOpened(contract_uuid(NETWORK, chain.CONTRACT), 1, chain.CONTRACT, 1, 5, noticed_at=1)
    with sqlite_database.begin() as conn:
        log.append(conn, [gap], recorded_at=1)
    second = take_over(first, tmp_path, BOTH)
    second.reprocess()
    assert not any(isinstance(event, GapHealed) for event in second.events())
    with sqlite_database.read() as conn:
        assert conn.scalar(select(func.count()).select_from(evidence)) == 1
        assert [tuple(row) for row in conn.execute(coverage.ranges(chain.CONTRACT))] == [(1, 100)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_slices_are_cut_anywhere_and_a_job_cut_short_goes_on(sqlite_database, tmp_path, size):
    first = Release(sqlite_database, tmp_path, NOTHING)
    told = [paused(2), resumed(2, 1), paused(3), wire_event(3, 1), resumed(4)]
    first.record(*told)
    second = take_over(first, tmp_path, BOTH, slice_events=size)
    job = second.ask()
    with sqlite_database.read() as conn:
        here = sources.position(conn, job.source.name)
    second.reprocessor.step(job, here, second.lease)
    third = take_over(second, tmp_path, BOTH, slice_events=size)
    third.work_off()
    assert facts_of(third) == [StreamPaused, StreamResumed, StreamPaused, StreamResumed]
    assert third.job(job).events_found == 4


def test_what_is_of_no_concern_now_leaves_quarantine_without_a_fact(sqlite_database, tmp_path):
    first = Release(sqlite_database, tmp_path, NOTHING)
    first.record(paused(2))
    second = take_over(
        first, tmp_path, profile(version=2, more=", of_no_concern: [{event: paused, arity: 2}]")
    )
    second.reprocess()
    assert second.outcomes() == {event_id(2): ["quarantined", "ignored"]}
    assert second.events() == []


def test_all_evidence_is_read_again_on_demand_only(sqlite_database, tmp_path):
    careless = profile(more=", unlisted: of_no_concern")
    first = Release(sqlite_database, tmp_path, careless)
    first.record(paused(2))
    second = take_over(first, tmp_path, BOTH)
    second.reprocess()
    assert second.outcomes() == {event_id(2): ["ignored"]}
    second.reprocess(jobs.REPROCESS_ALL)
    assert second.outcomes() == {event_id(2): ["ignored", "applied"]}


def test_an_applied_event_keeps_its_fact_and_the_conflict_is_named(database, tmp_path):
    first = Release(database, tmp_path, BOTH)
    first.record(paused(2), resumed(4))
    before = first.events()
    second = take_over(first, tmp_path, profile(TURNED, version=3))
    second.reprocess(jobs.REPROCESS_ALL)
    assert second.events() == before
    wrong, unknown = conflicts(second)
    assert (wrong.event_id, wrong.profile) == (event_id(2), "flow@3")
    assert wrong.reading.startswith("StreamResumed stream_id=7")
    assert "recorded: StreamPaused stream_id=7" in wrong.reading
    assert unknown.reading.startswith("quarantined: contract event 'resumed' with 2 topics is not")
    assert second.outcomes() == {event_id(2): ["applied"], event_id(4): ["applied"]}
    third = take_over(second, tmp_path, BOTH)
    third.reprocess(jobs.REPROCESS_ALL)
    assert conflicts(third) == []


def test_the_conflicts_of_a_range_are_those_of_its_ledgers(sqlite_database):
    raised = [
        profile_conflicts.ProfileConflict(event_id(n), chain.CONTRACT, f"reads {n}", "flow@1")
        for n in (2, 3, 4)
    ]
    with sqlite_database.begin() as conn:
        profile_conflicts.write(conn, raised, [])
        inside = profile_conflicts.standing(conn, chain.CONTRACT, coverage.LedgerRange(3, 3))
    assert inside == [raised[1]]


def test_an_upgrade_that_arrives_late_has_what_follows_read_again(database, tmp_path):
    """Under the new code nobody listed `resumed` before; its own section knows it."""
    text = profile(PAUSED, more=by_code(NEW, PAUSED, RESUMED))
    release = Release(database, tmp_path, text)
    release.record(paused(2), resumed(6))
    assert release.outcomes()[event_id(6)] == ["quarantined"]
    backfill(release, upgraded(4))
    (followup,) = release.work_off()
    assert (followup.kind, followup.ledgers) == (jobs.REPROCESS_ALL, (4, 6))
    assert release.outcomes()[event_id(6)] == ["quarantined", "applied"]
    assert facts_of(release) == [StreamPaused, ContractUpgraded, StreamResumed]


def test_what_the_late_upgrade_would_have_read_otherwise_is_a_conflict(sqlite_database, tmp_path):
    text = profile(PAUSED, more=by_code(NEW, TURNED))
    release = Release(sqlite_database, tmp_path, text)
    release.record(paused(2), paused(6, stream_id=8))
    backfill(release, upgraded(4))
    release.work_off()
    assert [each.event_id for each in conflicts(release)] == [event_id(6)]
    assert facts_of(release) == [StreamPaused, StreamPaused, ContractUpgraded]


def test_a_late_event_is_read_by_the_code_of_its_place(sqlite_database, tmp_path):
    text = profile(PAUSED, more=by_code(NEW, TURNED))
    release = Release(sqlite_database, tmp_path, text)
    release.record(upgraded(4), paused(6, stream_id=8))
    backfill(release, paused(2, stream_id=9))
    assert facts_of(release) == [ContractUpgraded, StreamResumed, StreamPaused]
    assert release.work_off() == []


def test_the_first_upgrade_that_is_known_tells_what_ran_before_it(sqlite_database, tmp_path):
    text = profile(PAUSED, more=by_code(OLD, PAUSED, RESUMED))
    release = Release(sqlite_database, tmp_path, text)
    release.record(paused(1), resumed(2))
    release.record(upgraded(4))
    (job,) = release.work_off()
    assert job.ledgers == (1, 2)
    assert release.outcomes()[event_id(2)] == ["quarantined", "applied"]


def test_an_upgrade_on_time_and_one_that_changes_no_reading_ask_for_nothing(
    sqlite_database, tmp_path
):
    release = Release(sqlite_database, tmp_path, BOTH)
    release.record(paused(2), upgraded(4), resumed(6))
    backfill(release, upgraded(3, old=NEW, new=OLD))
    assert release.work_off() == []


def test_one_job_is_asked_for_while_one_waits_that_will_do_it(sqlite_database, tmp_path):
    text = profile(PAUSED, more=by_code(NEW, PAUSED, RESUMED))
    release = Release(sqlite_database, tmp_path, text)
    release.record(paused(2), resumed(8))
    backfill(release, upgraded(4))
    backfill(release, upgraded(5, old=NEW, new=OLD), upgraded(6))
    assert [job.ledgers for job in release.work_off()] == [(4, 8)]


def backfill(release, *wire):
    """What a backfill brings; how its job ends is not our matter."""
    page = decode_page(json.dumps(result(wire)).encode(), source="lake", seen_at=6)
    with release.database.read() as conn:
        here = sources.position(conn, release.source.name)
    release.recorder.record(
        page, source=release.source, position=here, lease=release.lease, job="b" * 32
    )


def test_facts_that_no_event_told_are_left_alone(sqlite_database, tmp_path):
    release = Release(sqlite_database, tmp_path, BOTH)
    told = Told(fact=chain.paused(3), evidence_bytes=b"an entry", told_by="storage@1")
    release.recorder.record_told([told], Read("storage", 5), lease=release.lease)
    release.reprocess(jobs.REPROCESS_ALL)
    assert release.outcomes() == {event_id(3): ["applied"]}
    assert conflicts(release) == []


def test_a_job_for_another_profile_than_the_leader_has_is_refused(sqlite_database, tmp_path):
    release = Release(sqlite_database, tmp_path, BOTH)
    release.record(wire_event(2))
    job = release.ask(profile="flow@3")
    release.work_off()
    assert release.job(job).state == "failed"
    assert "reads by flow@2, flow@3 was asked for: restart" in release.job(job).reason
    assert release.outcomes() == {event_id(2): ["quarantined"]}


def test_a_contract_that_is_not_followed_is_refused(sqlite_database, tmp_path):
    other = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"
    release = Release(sqlite_database, tmp_path, BOTH, contract=other)
    job = release.ask()
    release.work_off()
    assert "does not follow the contract" in release.job(job).reason


def test_nobody_reprocesses_without_the_lease(sqlite_database, tmp_path):
    first = Release(sqlite_database, tmp_path, NOTHING)
    first.record(paused(2))
    second = take_over(first, tmp_path, BOTH)
    job = second.ask()
    with sqlite_database.read() as conn:
        here = sources.position(conn, job.source.name)
    second.lease.release()
    with pytest.raises(LeaseLost):
        second.reprocessor.step(job, here, second.lease)
    assert second.outcomes() == {event_id(2): ["quarantined"]}


def test_an_event_under_an_id_that_is_none_stays_where_it_is(sqlite_database, tmp_path):
    first = Release(sqlite_database, tmp_path, NOTHING)
    first.record(paused(2), paused(3, id="0000000012884905999-odd"))
    second = take_over(first, tmp_path, BOTH, slice_events=1)
    second.reprocess()
    assert facts_of(second) == [StreamPaused]
