"""Contract checks: what each finding says of a contract, and how to mend it."""

import pytest

from ingest.contract_check import examine, faults
from ingest.instance import Instance
from ingest.profiles.loader import load_profile
from ingest.rpc import Health

WASM = "ab" * 32
PAYSTREAM = load_profile("paystream")
PINNED = PAYSTREAM._replace(by_wasm={"cd" * 32: PAYSTREAM.default})
KNOWS = "runs code that the profile knows"
SOUND = Instance(WASM, 5, 42, archived=False)
WINDOW = Health(latest_ledger=900, oldest_ledger=100)


START = "can be read from its start ledger"


def findings(seen, profile=PAYSTREAM, *, start=None, followed_to=None):
    found = examine(seen, profile, "Net", start=start, health=WINDOW, followed_to=followed_to)
    return {each.check: (each.ok, each.detail) for each in found}


def test_a_sound_contract_holds_in_all():
    assert [ok for ok, _ in findings(SOUND).values()] == [True] * 4


def test_a_contract_that_is_not_there_says_where_it_was_looked_for():
    assert findings(None)["exists"] == (
        False,
        "there is no such contract on 'Net': is it deployed on another network?",
    )
    assert set(findings(None)) == {"exists", START}


@pytest.mark.parametrize(
    ("seen", "profile", "check", "words"),
    [
        (SOUND._replace(archived=True), PAYSTREAM, "exists", "archived"),
        (SOUND._replace(kept=0), PAYSTREAM, "is initialized", "was its constructor"),
        (SOUND._replace(wasm=None), PAYSTREAM, KNOWS, "built-in asset contract"),
        (SOUND, PINNED, KNOWS, "is not among those of paystream@1"),
    ],
)
def test_each_fault_fails_its_own_check_only(seen, profile, check, words):
    found = findings(seen, profile)
    assert [name for name, (ok, _) in found.items() if not ok] == [check]
    assert words in found[check][1]


def test_code_that_the_profile_names_is_known():
    ok, detail = findings(SOUND._replace(wasm="cd" * 32), PINNED)[KNOWS]
    assert ok
    assert "which paystream@1 names" in detail


@pytest.mark.parametrize(
    ("start", "followed_to", "ok", "words"),
    [
        (None, None, True, "the oldest one the RPC has"),
        (100, None, True, "ledger 100"),
        (901, None, False, "not closed yet"),
        (99, None, False, "a gap would open from 99"),
        (99, 500, True, "followed to ledger 500 already"),
    ],
)
def test_a_start_ledger_is_within_what_the_rpc_has_or_was_followed(start, followed_to, ok, words):
    held, detail = findings(SOUND, start=start, followed_to=followed_to)[START]
    assert held is ok
    assert words in detail


def test_only_what_did_not_hold_is_a_fault():
    good = examine(SOUND, PAYSTREAM, "Net", start=None, health=WINDOW, followed_to=None)
    bad = examine(None, PAYSTREAM, "Net", start=None, health=WINDOW, followed_to=None)
    assert [each.check for each in faults({"a": good, "b": bad})["b"]] == ["exists"]
    assert faults({"a": good}) == {}
