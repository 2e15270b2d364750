"""`pausewire secrets`: where they are looked up, and new keys for those that are our own."""

import base64
from uuid import uuid4

import pytest

from api import sessions
from api.access_log import access_log
from cli.rotation import BY_HAND
from cli.wiring import deployment
from config.catalogue import entries
from notifier.webhooks import subscriptions
from notifier.webhooks.subscriptions import Owner, Wanted
from store.clock import now_micros
from tests.fakes.chain import EMPLOYEE

OWN = {"sessions", "webhooks"}


@pytest.fixture
def here(command):
    return deployment()


def signed_in(here, account=EMPLOYEE):
    vault = here.vault
    with here.migrated_database().begin() as conn:
        return sessions.open_session(
            conn, vault, account, issuer="pay.example", seconds=3600, now=now_micros()
        )


def account_of(here, token):
    vault = here.vault
    with here.database.read() as conn:
        row = conn.execute(*sessions.session_query(token)).first()
        found = sessions.session_of(token, row, vault, issuer="pay.example", now=now_micros())
    return None if found is None else found.account


def subscribed(here):
    vault = here.vault
    with here.migrated_database().begin() as conn:
        wanted = Wanted("https://receiver.example/hook")
        hook, key = subscriptions.create(conn, vault, wanted, owner=Owner(None), now=now_micros())
    return hook, key


def signing(here, hook):
    vault = here.vault
    with here.database.read() as conn:
        row = conn.execute(subscriptions.one(vault, Owner(None), hook)).one()
    private = subscriptions.open_private(vault, row)
    return [each.key for each in subscriptions.live_secrets(private, now_micros())]


def test_every_secret_is_listed_and_none_is_shown(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_EMAIL__PASSWORD", "s3cr3t-of-ours")
    listed = {each["name"]: each for each in command.json("secrets", "path")}
    assert set(listed) == OWN | {entry.key for entry in entries().values() if entry.secret}
    assert listed["email.password"]["found_in"] == "env PAUSEWIRE_EMAIL__PASSWORD"
    told = command.run("secrets", "path").output
    assert "s3cr3t-of-ours" not in told + str(listed)
    assert "master_key" in told


def test_one_secret_is_there_or_is_not(command, monkeypatch, tmp_path):
    assert command.json("secrets", "path", "email.password", code=1)["present"] is False
    monkeypatch.setenv("PAUSEWIRE_EMAIL__PASSWORD_FILE", str(tmp_path / "smtp"))
    wrong = command.json("secrets", "path", "email.password", code=1)
    assert "cannot be read" in wrong["problem"]
    (tmp_path / "smtp").write_text("s3cr3t-of-ours")
    told = command.run("secrets", "path", "email.password").stdout
    assert "PAUSEWIRE_EMAIL__PASSWORD_FILE" in told
    assert "s3cr3t-of-ours" not in told


def test_what_is_in_the_database_is_asked_for_by_name(command, here):
    assert command.json("secrets", "path", "sessions", code=1)["present"] is False
    signed_in(here)
    subscribed(here)
    assert command.json("secrets", "path", "sessions")["found_in"].endswith(": 1")
    assert command.json("secrets", "path", "webhooks")["found_in"].endswith(": 1")


@pytest.mark.parametrize("verb", ["path", "rotate"])
def test_a_name_that_is_none_is_told_the_nearest(command, verb):
    assert "email.password" in command.run("secrets", verb, "email.pasword", code=2).stderr
    assert "lists" in command.run("secrets", verb, "nothing-like-it", code=2).stderr


def test_a_new_key_of_sessions_signs_nobody_out_and_is_noted(command, here):
    before = signed_in(here)
    told = command.json("secrets", "rotate", "sessions")["rotated"]
    assert [each["name"] for each in told] == ["sessions"]
    assert told[0]["still_accepted"] == 1
    assert account_of(here, before.token) == EMPLOYEE
    assert account_of(here, signed_in(here).token) == EMPLOYEE
    with here.database.read() as conn:
        noted = conn.execute(access_log.select()).one()
    assert (noted.action, noted.actor, noted.about) == ("secret_rotated", "operator", "sessions")
    command.json("secrets", "rotate", "sessions", "--at-once")
    assert account_of(here, before.token) is None


def test_a_dry_run_changes_nothing(command, here):
    token, (hook, key) = signed_in(here).token, subscribed(here)
    told = command.json("secrets", "rotate", "sessions", "--dry-run", "--at-once")
    assert told["dry_run"]
    assert told["rotated"][0]["sessions_ended"] == 1
    assert "key_id" not in told["rotated"][0]
    assert (
        "secret"
        not in command.json("secrets", "rotate", f"webhook:{hook}", "--dry-run")["rotated"][0]
    )
    assert "would be rotated" in command.run("secrets", "rotate", "--all", "--dry-run").stdout
    assert account_of(here, token) == EMPLOYEE
    assert signing(here, hook) == [key]
    with here.database.read() as conn:
        assert conn.execute(access_log.select()).all() == []


def test_a_webhooks_new_secret_is_shown_once_and_signs_beside_the_old_one(command, here):
    hook, key = subscribed(here)
    (told,) = command.json("secrets", "rotate", f"webhook:{hook}")["rotated"]
    new = base64.b64decode(told["secret"].removeprefix("whsec_"))
    assert signing(here, hook) == [new, key]
    assert told["previous_until"] is not None
    again = command.run("secrets", "rotate", f"webhook:{hook}", code=1)
    assert "--at-once" in again.stderr
    assert signing(here, hook) == [new, key]
    command.run("secrets", "rotate", f"webhook:{hook}", "--at-once")
    assert len(signing(here, hook)) == 1
    assert not {new, key} & set(signing(here, hook))


def test_a_webhook_that_is_none_is_said(command, here):
    command.run("secrets", "rotate", f"webhook:{uuid4()}", code=1)
    assert "GET /v1/webhooks" in command.run("secrets", "rotate", "webhook:x", code=2).stderr


def test_all_rotates_what_nobody_else_must_act_for_and_names_the_rest(command, here):
    hook, key = subscribed(here)
    told = command.json("secrets", "rotate", "--all")
    assert [each["name"] for each in told["rotated"]] == ["sessions"]
    left = {each["name"] for each in told["left"]}
    assert {"webhooks", "push.vapid_key", "secrets.master_key"} <= left
    assert "email.dkim_key" not in left  # it is not there
    assert signing(here, hook) == [key]
    assert "webhooks left as it is: " in command.run("secrets", "rotate", "--all").stdout


def test_what_is_not_rotated_by_a_command_says_what_to_do(command):
    for name, do in BY_HAND.items():
        assert do in command.run("secrets", "rotate", name, code=2).stderr
    told = command.run("secrets", "rotate", "sms.auth_token", code=2).stderr
    assert "pausewire secrets path sms.auth_token" in told


@pytest.mark.parametrize("options", [(), ("sessions", "--all")])
def test_a_name_or_all_is_given(command, options):
    assert "--all" in command.run("secrets", "rotate", *options, code=2).stderr
