"""Planning: what is understood later is told once, to those whom it concerns, by the late policy."""

from stellar_sdk import scval

from ingest import jobs
from tests.fakes.chain import EMPLOYEE, EMPLOYER, event_id
from tests.fakes.fake_rpc import paused, wire_event
from tests.fakes.planning import World
from tests.fakes.release import Release

STREAM = (
    "topics: [stream_id: u64], data: {vec: [employer: address, employee: address, stated_at: u64]}"
)
PAUSED = f"{{event: paused, scope: stream, {STREAM}, fact: StreamPaused}}"
RESUMED = f"{{event: resumed, scope: stream, {STREAM}, fact: StreamResumed}}"


def resumed(ledger):
    told = paused(ledger)
    return told | {"topic": [scval.to_symbol("resumed").to_xdr(), told["topic"][1]]}


def profile(version, *events):
    return f"{{version: {version}, events: [{', '.join(events)}]}}"


def told(world):
    return sorted((one.account, one.kind, one.cause, one.late) for one in world.told())


def plan(world):
    """Until nothing changes: jobs are looked at in steps."""
    world.plan()
    world.plan()


def relearn(first, tmp_path, text):
    first.lease.release()
    second = Release(first.database, tmp_path, text)
    second.reprocess()
    return second


def test_a_pause_that_was_not_understood_is_told_once_it_is(sqlite_database, tmp_path):
    world = World(sqlite_database)
    first = Release(sqlite_database, tmp_path, profile(1, RESUMED))
    first.record(resumed(2), paused(4))
    plan(world)
    assert [kind for _, kind, _, _ in told(world)] == ["resumed", "resumed"]
    second = relearn(first, tmp_path, profile(2, PAUSED, RESUMED))
    plan(world)
    everything = told(world)
    assert {(who, kind) for who, kind, cause, _ in everything if cause == event_id(4)} == {
        (EMPLOYEE, "paused"),
        (EMPLOYER, "paused"),
    }
    second.reprocess(jobs.REPROCESS_ALL)
    plan(world)
    assert told(world) == everything


def test_a_past_that_was_not_understood_is_one_note_for_the_whole_job(sqlite_database, tmp_path):
    """Two pauses and a resumption lie before what people were told last."""
    world = World(sqlite_database)
    first = Release(sqlite_database, tmp_path, profile(1, RESUMED), slice_events=2)
    first.record(paused(2), wire_event(3), resumed(4), paused(5), resumed(8))
    plan(world)
    before = told(world)
    relearn(first, tmp_path, profile(2, PAUSED, RESUMED))
    plan(world)
    new = [one for one in told(world) if one not in before]
    assert [(kind, late) for _, kind, _, late in new] == [("revised", True)] * 2
    assert {who for who, *_ in new} == {EMPLOYEE, EMPLOYER}
