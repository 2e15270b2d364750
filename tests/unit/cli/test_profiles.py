"""`pausewire profiles`: a file is checked, and tried on evidence that is already here."""

import json
import re
from pathlib import Path

import pytest

from ingest.decode import decode_page
from ingest.evidence import write_evidence
from ingest.profiles import loader
from tests.fakes import fake_rpc
from tests.fakes.chain import CONTRACT
from tests.fakes.commands import Command
from tests.fakes.fake_rpc import paused, wire_event

PAYSTREAM = Path(str(loader.packaged_profiles())) / "paystream.yaml"
ONLY_RESUMED = """
version: 3
events:
  - event: resumed
    scope: stream
    topics: [stream_id: u64]
    data: {vec: [employer: address, employee: address, stated_at: u64]}
    fact: StreamResumed
of_no_concern:
  - {event: paused, arity: 2}
wasm:
  - hashes: ["%s"]
    events: []
"""
FAULTY = """version: 1
events:
  - event: a
    scope: stream
    data: {value: void}
    fact: StreamMelted
  - {event: b, scope: stream, data: {value: void}, fact: StreamPaused, topic: []}
  - event: c
    scope: contract
    set: {paused: true}
    data:
      map: {by: adress}
    fact: ContractPauseSet
of_no_concern:
  - {event: executable_update, arity: 3, type: system}
wasm:
  - hashes: [%s]
    events:
      - 7
"""
WASM = "ab" * 32


@pytest.fixture
def command(monkeypatch, sqlite_url):
    return Command(monkeypatch, sqlite_url)


@pytest.fixture
def written(tmp_path):
    def write(text, name="mine.yaml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def keep(database, *told):
    page = decode_page(json.dumps(fake_rpc.result(told)).encode(), source="rpc", seen_at=5)
    with database.begin() as conn:
        write_evidence(conn, page.events, page)


def test_a_sound_file_shows_how_events_read(command, written):
    told = command.run("profiles", "check", PAYSTREAM).stdout
    assert "StreamPaused" in told
    assert "of no concern" in told
    found = command.json("profiles", "check", written(ONLY_RESUMED % WASM))
    assert (found["ok"], found["profile"]) == (True, "mine@3")
    assert [section["wasm"] for section in found["sections"]] == [None, WASM]
    (plain, _) = found["sections"]
    assert {"type": "contract", "event": "resumed", "arity": 2, "facts": ["StreamResumed"]} in (
        plain["events"]
    )
    assert plain["of_no_concern"] == [{"type": "contract", "event": "paused", "arity": 2}]


def test_the_example_of_the_guide_is_a_sound_profile(command, written):
    page = Path(__file__).parents[3] / "docs" / "follow-your-own-contract.md"
    (example,) = re.findall(r"^```yaml\n(.+?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    found = command.json("profiles", "check", written(example, "my.yaml"))
    assert [each["event"] for each in found["sections"][0]["events"]][1:] == ["stream_paused"]


def test_a_fault_names_event_field_and_way_out(command, written):
    file = written(ONLY_RESUMED.replace("u64]\n", "u65]\n", 1) % WASM)
    (fault,) = command.json("profiles", "check", file, code=1)["faults"]
    assert (fault["file"], fault["line"], fault["event"], fault["field"]) == (
        "mine.yaml",
        6,
        "event 1 (resumed)",
        "topics[0]",
    )
    assert "give one of" in fault["fix"]
    assert "mine.yaml:6: event 1 (resumed): topics[0]" in (
        command.run("profiles", "check", file, code=1).stderr
    )
    tried = ("profiles", "try", file, "--contract", CONTRACT, "--start-ledger", 1)
    assert "mine.yaml:6: event 1 (resumed)" in command.run(*tried, code=1).stderr


def test_every_fault_is_named_with_its_line(command, written):
    file = written(FAULTY % WASM)
    told = command.run("profiles", "check", file, code=1).stderr.splitlines()
    assert [line.split(": ")[:3] for line in told] == [
        ["mine.yaml:6", "event 1 (a)", "fact"],
        ["mine.yaml:7", "event 2 (b)", "-"],
        ["mine.yaml:12", "event 3 (c)", "data.map[by]"],
        ["mine.yaml:15", "executable_update", "of_no_concern"],
        ["mine.yaml:19", "event 1 (None)", "-"],
    ]


def test_what_is_not_yaml_is_named_with_its_line(command, written):
    told = command.run("profiles", "check", written("version: 1\nevents: [\n"), code=1).stderr
    assert told.startswith("mine.yaml:3: -: -: not YAML")
    assert "mine.yaml" in command.run("profiles", "check", written(""), code=1).stderr


def test_the_ledgers_and_the_contract_must_be_clear(command, written, monkeypatch):
    tried = ("profiles", "try", PAYSTREAM, "--stored")
    assert "give either" in command.run(*tried, code=2).stderr
    both = (*tried, "--start-ledger", 1, "--ledger-range", 1, 2)
    assert "give either" in command.run(*both, code=2).stderr
    assert "not the later one" in command.run(*tried, "--ledger-range", 3, 2, code=2).stderr
    unknown = ("profiles", "try", written(ONLY_RESUMED % WASM), "--stored", "--start-ledger", 1)
    assert "name one by --contract" in command.run(*unknown, code=2).stderr


def test_the_contract_that_has_the_profile_need_not_be_named(command, sqlite_database):
    keep(sqlite_database, paused(40))
    tried = ("profiles", "try", PAYSTREAM, "--stored", "--ledger-range", 40, 40)
    assert command.json(*tried)["applied"] == 1


@pytest.mark.parametrize("name", ["mine.yml", "host.yaml"])
def test_a_file_of_another_name_is_refused(command, written, name):
    assert "is called" in command.run("profiles", "check", written("", name), code=2).stderr


def test_a_file_that_is_not_there_is_refused(command, tmp_path):
    done = command.run("profiles", "check", tmp_path / "none.yaml", code=2)
    assert "there is no such file" in done.stderr


def test_stored_evidence_is_read_as_the_file_says(command, sqlite_database, written):
    keep(sqlite_database, paused(40), paused(41), paused(60))
    stored = ("--contract", CONTRACT, "--ledger-range", 40, 50, "--stored")
    assert command.json("profiles", "try", PAYSTREAM, *stored) == {
        "profile": "paystream@1",
        "applied": 2,
        "ignored": 0,
        "quarantined": 0,
        "kinds": [
            {
                "type": "contract",
                "name": "paused",
                "arity": 2,
                "outcome": "applied",
                "reads_as": "StreamPaused",
                "count": 2,
            }
        ],
    }
    told = command.run("profiles", "try", written(ONLY_RESUMED % WASM), *stored).stdout
    assert "0 applied, 2 ignored, 0 quarantined" in told
    upgraded = (*stored, "--wasm", WASM)
    told = command.run("profiles", "try", written(ONLY_RESUMED % WASM), *upgraded, code=1).stdout
    assert "2 quarantined" in told


def test_what_the_file_does_not_understand_fails_the_command(command, sqlite_database):
    keep(sqlite_database, wire_event(40))
    stored = ("--contract", CONTRACT, "--start-ledger", 1, "--stored")
    told = command.run("profiles", "try", PAYSTREAM, *stored, code=1).stdout
    assert "0 applied, 0 ignored, 1 quarantined" in told
