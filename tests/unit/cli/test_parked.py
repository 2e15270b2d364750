"""`pausewire notice parked` and `plan-again`."""

import base64

import pytest

from tests.fakes import chain
from tests.fakes.commands import Command
from tests.fakes.planning import MASTER_KEY, World


@pytest.fixture(autouse=True)
def _same_key(monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.setenv("PAUSEWIRE_SECRETS__MASTER_KEY", base64.b64encode(MASTER_KEY).decode())


def test_what_planning_put_aside_is_planned_again_by_a_command(command, sqlite_database):
    world = World(sqlite_database)
    world.record(chain.created(1), chain.created(1, 1, stream_id=8))
    world.plan()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("notifier.plan.stream_kind", lambda *_: 1 / 0)
        world.record(chain.paused(2), chain.paused(3, stream_id=8))
        world.plan()
    parked = command.json("notice", "parked")
    assert [(each["position"], each["stream_id"]) for each in parked] == [(3, 7), (4, 8)]
    assert parked[0]["event_id"] == chain.event_id(2)
    assert "ZeroDivisionError" in parked[0]["reason"]
    refused = command.run("notice", "plan-again", "--by-hand", "9", code=2).stderr
    assert "no event is parked at 9" in refused
    assert command.json("notice", "plan-again", "--by-hand", "4") == [
        {"position": 4, "ending": "told by hand"}
    ]
    assert "told" in command.run("notice", "plan-again").stdout
    assert {each.kind for each in world.told()} == {"paused"}
    assert command.json("notice", "parked") == []
    assert command.json("notice", "plan-again") == []


def test_what_stays_parked_makes_the_command_fail(command, sqlite_database):
    world = World(sqlite_database)
    world.record(chain.created(1))
    world.plan()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("notifier.plan.stream_kind", lambda *_: 1 / 0)
        world.record(chain.paused(2))
        world.plan()
        assert "still parked" in command.run("notice", "plan-again", code=1).stdout
    assert len(command.json("notice", "parked")) == 1
