"""The operator's commands, each once for real beside running processes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import BackEnd, Site, site, until
from tests.e2e.story import Story

pytestmark = pytest.mark.e2e


@pytest.fixture
def here(tmp_path: Path, sqlite_memory: BackEnd) -> Iterator[Site]:
    with site(tmp_path, sqlite_memory) as opened:
        opened.import_people()
        yield opened


def answer(here: Site, *arguments: str) -> Any:
    return json.loads(here.run(*arguments, "--json"))


def test_each_command_does_what_it_says_while_everything_runs(here: Site) -> None:
    here.start("index")
    here.start("notify")
    story = Story(here)
    until(lambda: story.go_on() or here.standing().settled > 20, seconds=60, what="first letters")
    here.settle()

    assert answer(here, "status")["failed"] == []
    assert all(finding["ok"] for finding in answer(here, "doctor"))
    assert answer(here, "config", "check")["ok"]
    assert answer(here, "db", "current")["revision"]
    replayed = answer(here, "replay", "--digest")
    assert set(replayed) == {"position", "state_digest", "full_digest"}
    assert "equal to the log" in here.run("replay")
    assert answer(here, "replay", "--into-shadow", "--digest") == replayed
    assert "was in service a moment ago" in here.run("replay", "--digest", code=1)

    _switch_sending_off_and_on(here, story)
    here.assert_nothing_lost_or_doubled()
    _make_and_revoke_a_key(here)
    exported = here.run("recipients", "export")
    assert sorted(exported.split()) == sorted(here.network.roster_path.read_text().split())


def _switch_sending_off_and_on(here: Site, story: Story) -> None:
    here.run("sending", "pause", "--reason", "drill")
    status = answer(here, "sending", "status")
    assert (status["sending"], status["reason"]) == ("paused", "drill")
    before = here.judge().deliveries["email"]["accepted"]
    pending = ("deliveries", "list", "--where", "state=pending")
    until(lambda: story.go_on() or answer(here, *pending), seconds=90, what="what waits")
    withdrawable = ("deliveries", "cancel", "--where", "state=pending", "--where", "channel=none")
    assert answer(here, *withdrawable, "--dry-run")["deliveries"] == []
    assert here.judge().deliveries["email"]["accepted"] == before
    here.run("sending", "resume")
    here.settle()
    assert here.judge().deliveries["email"]["accepted"] > before
    assert answer(here, *pending) == []
    assert answer(here, "deliveries", "redrive", "--where", "state=unknown")["deliveries"] == []


def _make_and_revoke_a_key(here: Site) -> None:
    made = answer(here, "keys", "create", "--name", "drill", "--scope", "streams:read")
    assert set(made) == {"id", "key", "scopes"}
    here.run("keys", "revoke", made["id"])
    listed = {key["id"]: key for key in answer(here, "keys", "list")}
    assert listed[made["id"]]["revoked_at"] is not None
    assert made["key"] not in json.dumps(listed)


def test_wrong_settings_end_every_process_with_all_faults_at_once(here: Site) -> None:
    wrong = {
        "PAUSEWIRE_DATABASE__URL": "mysql://root@localhost/pausewire",
        "PAUSEWIRE_EMAIL__SENDER": "nobody",
        "PAUSEWIRE_INGEST__POLL_SECONDS": "often",
        "PAUSEWIRE_NO__SUCH": "1",
    }
    for command in ("up", "index", "notify", "api", "status"):
        told = here.run(command, code=2, **wrong)
        for setting in (
            "database.url",
            "email.sender",
            "ingest.poll_seconds",
            "PAUSEWIRE_NO__SUCH",
        ):
            assert setting in told, command
