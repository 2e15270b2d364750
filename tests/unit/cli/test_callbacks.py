import pytest
from sqlalchemy import select, update

from cli.wiring import deployment
from notifier.callbacks.arrivals import keep
from notifier.callbacks.tidings import Event
from notifier.schema import callback
from tests.fakes.called_back import NOW

PAYLOAD = b"MessageSid=SM1&To=%2B15550100001"


@pytest.fixture
def called(command, sqlite_database):
    def make(key="k", state="dead", **changes):
        vault = deployment().vault
        with sqlite_database.begin() as conn:
            event = Event(key=key, kind="undelivered", payload=PAYLOAD, message_id="SM1")
            keep(conn, vault, sqlite_database.bell, "twilio", [event], NOW)
            newest = callback.c.received_at == NOW
            values = {"state": state, "tries": 4, "outcome": "nobody", "received_at": NOW - 1}
            conn.execute(update(callback).where(newest).values(values | changes))
            return str(
                conn.scalars(select(callback.c.callback_id).order_by(callback.c.callback_id)).all()[
                    0
                ]
            )

    return make


def test_callbacks_are_listed_without_what_the_provider_sent(command, called):
    one = called()
    (found,) = command.json("callbacks", "list")
    assert (found["callback_id"], found["state"], found["tries"]) == (one, "dead", 4)
    assert found["received_at"].endswith("Z")
    table = command.run("callbacks", "list").stdout
    assert one in table
    for told in (table, str(found)):
        assert "15550100001" not in told


def test_a_state_and_a_provider_narrow_the_list(command, called):
    called()
    assert len(command.json("callbacks", "list", "--state", "dead", "--provider", "twilio")) == 1
    assert command.json("callbacks", "list", "--state", "waiting") == []
    assert command.json("callbacks", "list", "--provider", "sendgrid") == []
    assert "waiting, done, dead" in command.run("callbacks", "list", "--state", "x", code=2).stderr


def test_one_is_shown_with_what_the_provider_sent(command, called):
    one = called()
    found = command.json("callbacks", "show", one)
    assert (found["payload"], found["outcome"]) == (PAYLOAD.decode(), "nobody")
    assert PAYLOAD.decode() in command.run("callbacks", "show", one).stdout


def test_an_erased_one_is_shown_without_it(command, called):
    assert command.json("callbacks", "show", called(payload=None))["payload"] is None


def test_one_that_nobody_knows_is_a_failed_check(command):
    unknown = "0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11"
    assert unknown in command.run("callbacks", "show", unknown, code=1).stderr
    command.run("callbacks", "show", "x", code=2)


def test_dead_ones_are_worked_off_anew_and_done_ones_are_not(command, called):
    one = called()
    assert command.json("callbacks", "redrive", "--dry-run") == {"callbacks": [one]}
    assert command.json("callbacks", "list")[0]["state"] == "dead"
    assert command.run("callbacks", "redrive", one).stdout.splitlines()[0] == one
    (found,) = command.json("callbacks", "list")
    assert (found["state"], found["tries"]) == ("waiting", 0)
    assert command.json("callbacks", "redrive") == {"callbacks": []}


def test_a_dead_callback_fails_the_status(command, called):
    called()
    assert "1 callbacks dead" in command.json("status", code=1)["failed"]
