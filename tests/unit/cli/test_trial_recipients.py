"""`recipients create-test`: somebody to try it on, never in production, never a stranger."""

import csv
import io

import pytest


def exported(command):
    return list(csv.DictReader(io.StringIO(command.run("recipients", "export").stdout)))


@pytest.fixture
def trial(command, monkeypatch):
    """A deployment on a test network, with a mail catcher and a real SMS provider."""
    monkeypatch.setenv("PAUSEWIRE_ENVIRONMENT", "testnet")
    monkeypatch.setenv("PAUSEWIRE_EMAIL__HOST", "127.0.0.1")
    monkeypatch.setenv("PAUSEWIRE_GUESTS__PLACES", '["+15550100123"]')
    return command


def test_without_places_it_gets_those_that_a_catcher_takes(trial):
    made = trial.json("recipients", "create-test")
    assert made["email"].endswith("@example.test")
    assert "phone" not in made
    assert made["secret"].startswith("S")
    (row,) = exported(trial)
    assert (row["account_id"], row["email"], row["phone"]) == (
        made["account_id"],
        made["email"],
        "",
    )


def test_places_of_ones_own_must_be_guests(trial):
    refused = trial.run("recipients", "create-test", "--phone", "+15550100999", code=2)
    assert "not on the guest list: +15550100999" in refused.stderr
    assert exported(trial) == []
    made = trial.json("recipients", "create-test", "--phone", "+15550100123")
    again = trial.json(
        "recipients", "create-test", "--account", made["account_id"], "--email", "me@example.test"
    )
    assert "secret" not in again
    (row,) = exported(trial)
    assert (row["phone"], row["email"]) == ("+15550100123", "me@example.test")


def test_what_is_no_place_is_refused_with_the_way_out(trial):
    for option, value, said in (
        ("--account", "GABC", "account_id"),
        ("--email", "nobody", "one address"),
        ("--language", "!", "language"),
    ):
        refused = trial.run("recipients", "create-test", option, value, code=2)
        assert said in refused.stderr
    assert exported(trial) == []


def test_it_is_refused_in_production_and_where_nothing_would_take_it(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_ENVIRONMENT", "production")
    assert "this is production" in command.run("recipients", "create-test", code=2).stderr
    monkeypatch.setenv("PAUSEWIRE_ENVIRONMENT", "testnet")
    monkeypatch.setenv("PAUSEWIRE_SMS__BASE_URL", "https://sms.test")
    assert "no catcher takes" in command.run("recipients", "create-test", code=2).stderr
