"""Whatever is understood late, and in whatever order it came: the histories are the same in the end."""

import json
import random
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stellar_sdk import scval

from ingest import jobs, sources
from ingest.decode import decode_page
from store.engine import Database
from tests.fakes.fake_rpc import paused, result, wire_event
from tests.fakes.release import Release
from tests.unit.projections.chain_of_facts import digest, follow

STREAM = (
    "scope: stream, topics: [stream_id: u64],"
    " data: {vec: [employer: address, employee: address, stated_at: u64]}"
)
ENTRIES = {
    "paused": f"{{event: paused, {STREAM}, fact: StreamPaused}}",
    "resumed": f"{{event: resumed, {STREAM}, fact: StreamResumed}}",
    "stopped": "{event: stopped, scope: contract, data: {value: {paused: bool}}, fact: ContractPauseSet}",
}
KINDS = (*ENTRIES, "unheard")
CODES = ("aa" * 32, "bb" * 32)


def _upgrade(ledger, index, turn):
    topics = [
        scval.to_symbol("executable_update"),
        *(
            scval.to_vec([scval.to_symbol("Wasm"), scval.to_bytes(bytes.fromhex(wasm))])
            for wasm in (CODES[turn % 2], CODES[(turn + 1) % 2])
        ),
    ]
    return wire_event(ledger, index, topics=topics, value=scval.to_vec([]), type="system")


def _event(kind, ledger, index, stream):
    if kind in ("paused", "resumed"):
        told = paused(ledger, index, stream_id=stream)
        return told | {"topic": [scval.to_symbol(kind).to_xdr(), told["topic"][1]]}
    value = scval.to_bool(bool(stream % 2))
    return wire_event(ledger, index, topics=[scval.to_symbol(kind)], value=value)


def _events(drawn):
    """The chain: what happened in ledger order, upgrades in turn between the two codes."""
    events, turn = [], 0
    for index, (ledger, stream, kind) in enumerate(sorted(drawn)):
        if kind == "upgraded":
            events.append(_upgrade(ledger, index, turn))
            turn += 1
        else:
            events.append(_event(kind, ledger, index, stream))
    return events


def _profile(version, known, known_of_code):
    """Where the code is known more is understood, and nothing is read another way."""
    of_code = ", ".join(ENTRIES[kind] for kind in sorted(known | known_of_code))
    events = ", ".join(ENTRIES[kind] for kind in sorted(known))
    return (
        f"{{version: {version}, events: [{events}],"
        f" wasm: [{{hashes: ['{CODES[0]}', '{CODES[1]}'], events: [{of_code}]}}]}}"
    )


def _bring(release, wire):
    page = decode_page(json.dumps(result(wire)).encode(), source="rpc", seen_at=5)
    with release.database.read() as conn:
        here = sources.position(conn, release.source.name)
    release.recorder.record(page, source=release.source, position=here, lease=release.lease)


@pytest.fixture
def fresh(sqlite_template, tmp_path):
    opened = []

    def make():
        path = tmp_path / f"{len(opened)}.db"
        for stale in tmp_path.glob(f"{path.name}*"):
            stale.unlink()
        shutil.copyfile(sqlite_template, path)
        opened.append(Database.open(f"sqlite:///{path}"))
        return opened[-1]

    def close():
        while opened:
            opened.pop().close()

    yield make, close
    close()


happened = st.lists(
    st.tuples(st.integers(1, 8), st.sampled_from((7, 8)), st.sampled_from((*KINDS, "upgraded"))),
    min_size=1,
    max_size=10,
)
subsets = st.sets(st.sampled_from(list(ENTRIES)))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=happened, knows=st.tuples(subsets, subsets, subsets), seed=st.integers(0, 2**32))
def test_reading_again_ends_where_reading_at_once_would_have(drawn, knows, seed, fresh, tmp_path):
    make, close = fresh
    choices = random.Random(seed)
    default, of_code, early = knows
    final = _profile(2, default, of_code)
    straight = Release(make(), tmp_path, final)
    _bring(straight, _events(drawn))
    straight.work_off()
    follow(straight.database)

    first = Release(make(), tmp_path, _profile(1, default & early, of_code & early), slice_events=3)
    _bring_in_any_order(first, _events(drawn), choices)
    first.lease.release()
    second = Release(first.database, tmp_path, final, slice_events=choices.randint(1, 4))
    second.reprocess(jobs.REPROCESS_ALL)
    follow(second.database, chunk_events=2)
    try:
        assert digest(second.database).state == digest(straight.database).state
        settled = second.outcomes()
        assert last(settled) == last(straight.outcomes())
        second.reprocess(jobs.REPROCESS_ALL)
        assert second.outcomes() == settled
    finally:
        close()


def _bring_in_any_order(release, events, choices):
    """Pages of any order, with the read models and the jobs following now and then."""
    choices.shuffle(events)
    while events:
        size = choices.randint(1, 4)
        page, events = events[:size], events[size:]
        _bring(release, sorted(page, key=lambda event: event["id"]))
        if choices.random() < 0.3:
            release.work_off()
            follow(release.database, chunk_events=3)


def last(outcomes):
    """What counts of each event."""
    return {event_id: found[-1] for event_id, found in outcomes.items()}
