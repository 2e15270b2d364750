"""Each packaged profile from a chain over HTTP to a pause history; and from quarantine to one."""

import gc
import hashlib
import json
import time
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import select
from stellar_sdk import scval
from stellar_sdk.strkey import StrKey

from projections import pauses
from projections.sets import active_set
from simulator.calls import Call
from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.scripted import emission
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence_outcome
from tests.fakes.chain import EMPLOYEE, EMPLOYER
from tests.fakes.commands import Command
from tests.unit.projections.chain_of_facts import follow


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """No log line on standard output, and the collector's settings back where they were."""
    before, thresholds = structlog.get_config(), gc.get_threshold()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def symbol(text):
    return scval.to_symbol(text)


def struct(**fields):
    return scval.to_map({scval.to_symbol(name): value for name, value in fields.items()})


ID, AT = scval.to_uint64(2**63 + 7), scval.to_uint64(1_784_655_210)
BOSS, PAID = scval.to_address(EMPLOYER), scval.to_address(EMPLOYEE)
TRUE, FALSE = scval.to_bool(data=True), scval.to_bool(data=False)


def nebula(action):
    fields = {"version": scval.to_uint32(2), "timestamp": AT, "action": symbol(action)}
    return struct(**fields, data=scval.to_vec([BOSS, AT]))


# Profile -> what its contract emits when it (or its stream) stops, and when it goes on again.
STORIES = {
    "openzeppelin-pausable": (
        ([symbol("paused")], struct()),
        ([symbol("unpaused")], struct()),
    ),
    "fluxora": (
        ([symbol("paused"), ID], struct(stream_id=ID)),
        ([symbol("resumed"), ID], scval.to_vec([symbol("Resumed"), ID])),
    ),
    "fluxora-factory": (
        ([symbol("factory"), symbol("paused")], TRUE),
        ([symbol("factory"), symbol("resumed")], FALSE),
    ),
    "flowfi": (
        ([symbol("stream_paused"), ID], struct(paused_at=AT, sender=BOSS, stream_id=ID)),
        ([symbol("stream_resumed"), ID], struct(new_end_time=AT, sender=BOSS, stream_id=ID)),
    ),
    "stellarstream-v1": (
        ([symbol("pause"), ID], struct(stream_id=ID, pauser=BOSS, timestamp=AT)),
        (
            [symbol("resume"), ID],
            struct(stream_id=ID, resumer=BOSS, paused_duration=AT, timestamp=AT),
        ),
    ),
    "stellarstream-v2": (
        ([symbol("pause"), BOSS], nebula("pause")),
        ([symbol("unpause"), BOSS], nebula("unpause")),
    ),
    "fundable": (
        ([symbol("StreamPaused")], struct(paused_at=AT, stream_id=ID)),
        ([symbol("StreamResumed")], struct(paused_duration=AT, resumed_at=AT, stream_id=ID)),
    ),
}
CONTRACT_WIDE = {"openzeppelin-pausable", "fluxora-factory", "stellarstream-v2"}


def contract_of(profile):
    return StrKey.encode_contract(hashlib.sha256(profile.encode()).digest())


def told_lines(network):
    return network.truth_path.read_bytes().splitlines()


def close_with(network, stories, function):
    """Put a turn of every story into one ledger, and a call that the truth file tells of behind it."""
    before = len(told_lines(network))
    for profile, (topics, value) in stories:
        wire = [topic.to_xdr() for topic in topics]
        network.submit(emission(network.cast.admin, contract_of(profile), wire, value.to_xdr()))
    network.submit(Call(function, (network.cast.admin,)))
    deadline = time.monotonic() + 30
    while len(told_lines(network)) == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A chain on which each story has been told, pause and end in ledgers of their own."""
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("simulator"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="burst",
        events=0,
        ledger_seconds=0.02,
    )
    with running(options) as started:
        for turn, function in enumerate(("pause_contract", "unpause_contract")):
            turns = [(profile, story[turn]) for profile, story in STORIES.items()]
            close_with(started, turns, function)
        yield started


def command_for(monkeypatch, network, url, profiles):
    last = json.loads(told_lines(network)[-1])["ledger"]
    contracts = [
        {"id": contract_of(name), "profile": profile, "start_ledger": last + 1}
        for name, profile in profiles.items()
    ]
    command = Command(
        monkeypatch,
        url,
        NETWORK__PASSPHRASE=network.options.passphrase,
        NETWORK__RPC_URLS=json.dumps([network.rpc_url]),
        NETWORK__CONTRACTS=json.dumps(contracts),
    )
    return command, ("--from", network.first_ledger, "--to", last)


def intervals(database):
    follow(database)
    with database.read() as conn:
        return conn.execute(pauses.everything(active_set(conn))).all()


def test_every_profile_ends_in_a_pause_history(monkeypatch, network, database_url, database):
    command, ledgers = command_for(
        monkeypatch, network, database_url, {name: name for name in STORIES}
    )
    found = command.json("backfill", *ledgers)
    assert {each["events_found"] for each in found["jobs"]} == {2}
    certificate = command.json("completeness", *ledgers)
    assert certificate["complete"]
    assert {each["quarantined"] for each in certificate["contracts"]} == {0}
    rows = {row.contract_id: row for row in intervals(database)}
    assert len(rows) == len(STORIES)
    for name in STORIES:
        row = rows[contract_of(name)]
        assert (row.stream_id is None) == (name in CONTRACT_WIDE), name
        assert row.stream_id in (None, 2**63 + 7)
        assert row.ended_by == "resumed"
        assert row.start_ledger < row.end_ledger
    # The network keeps nothing of scripted contracts: that is named, and they are followed all the same.
    found = command.json("contracts", "check", contract_of("flowfi"), code=1)
    assert not found["findings"][0]["ok"]


def test_what_another_profile_left_in_quarantine_is_read_again(
    monkeypatch, network, database_url, database
):
    wrong, ledgers = command_for(monkeypatch, network, database_url, {"flowfi": "paystream"})
    wrong.json("backfill", *ledgers)
    (contract,) = wrong.json("completeness", *ledgers)["contracts"]
    assert contract["quarantined"] == 2
    assert intervals(database) == []
    right, _ = command_for(monkeypatch, network, database_url, {"flowfi": "flowfi"})
    (job,) = right.json("reprocess")["jobs"]
    assert (job["state"], job["events_found"]) == ("done", 2)
    (contract,) = right.json("completeness", *ledgers)["contracts"]
    assert (contract["quarantined"], contract["profile_conflicts"]) == (0, [])
    (row,) = intervals(database)
    assert (row.contract_id, row.ended_by) == (contract_of("flowfi"), "resumed")
    assert right.json("reprocess") == {"jobs": [], "done": True}
    (again,) = right.json("reprocess", "--all")["jobs"]
    assert (again["state"], again["events_found"]) == ("done", 0)
    with database.read() as conn:
        outcomes = conn.execute(
            select(evidence_outcome.c.n, evidence_outcome.c.outcome).where(
                evidence_outcome.c.event_id < BEHIND_EVENT_IDS
            )
        ).all()
    assert sorted(map(tuple, outcomes)) == [*[(1, "quarantined")] * 2, *[(2, "applied")] * 2]
