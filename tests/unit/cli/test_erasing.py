"""`recipients erase`: what is known of a person goes, and what proves what happened stays."""

import base64

import pytest
from sqlalchemy import insert, select, update

from api import keys, read_log, sessions
from api.access_log import Access, access_log, note
from api.read_log import Read
from cli.wiring import deployment
from notifier.contact_file import ContactLine
from notifier.facts import FactsAppender
from notifier.schema import attempt, contact, delivery, notice, recipient
from notifier.webhooks import subscriptions
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import Owner, Wanted
from projections.follow import projections_follower
from store.clock import now_micros
from store.schema import recorded_event
from tests.fakes.chain import EMPLOYEE, EMPLOYER, created, paused, resumed
from tests.fakes.planning import MASTER_KEY, World

STATES = ("held", "pending", "queued", "claimed", "retry_wait", "handed_off", "accepted", "unknown")
STAY = {"handed_off", "accepted", "unknown", "delivered"}  # in the inbox: delivered
ANA = ("ana@example.test", "+15550100001", "ntfy:ana-of-test")


@pytest.fixture
def here(command, monkeypatch):
    key = base64.b64encode(MASTER_KEY).decode()
    monkeypatch.setenv("PAUSEWIRE_SECRETS__MASTER_KEY", key)
    return deployment()


@pytest.fixture
def world(here):
    """Ana and her employer were told of some pauses; Ana's mails are in every state there is."""
    made = World(here.migrated_database())
    assert here.vault.fingerprint == made.vault.fingerprint
    made.register(ContactLine(EMPLOYEE, *ANA, "es"), ContactLine(EMPLOYER, "boss@example.test"))
    made.record(created(1), *(f(n) for n in range(2, 10, 2) for f in (paused, resumed_after)))
    made.plan()
    follower = projections_follower(made.database)
    while follower.step():
        pass
    mails = made.rows(_of(made, EMPLOYEE).where(delivery.c.channel == "email"))
    with made.database.begin() as conn:
        for row, state in zip(mails, STATES, strict=True):
            one = delivery.c.delivery_id == row.delivery_id
            conn.execute(update(delivery).where(one).values(state=state))
        tried = {"n": 1, "provider": "smtp", "phase": "sending", "started_at": 1, "worker": "w"}
        said = {"delivery_id": mails[-1].delivery_id, "detail": "550 ana@example.test is full"}
        conn.execute(insert(attempt).values(**tried, **said))
    return made


def resumed_after(ledger):
    return resumed(ledger + 1)


def _of(world, account):
    lookup = world.vault.account_lookup(account)
    return (
        select(delivery)
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .join(recipient, recipient.c.recipient_id == notice.c.recipient_id)
        .where(recipient.c.account_lookup == lookup)
        .order_by(notice.c.position)
    )


def states(world, account):
    return [(row.channel, row.state, row.reason) for row in world.rows(_of(world, account))]


def append_facts(world):
    appender = FactsAppender(world.database, poll_seconds=0.01)
    while appender.step():
        pass


def whole(world):
    """Every row of every table, as text."""
    tables = {table.name: table for table in recipient.metadata.sorted_tables}
    return {name: repr(world.rows(select(table))) for name, table in tables.items()}


def test_a_person_is_forgotten_and_nobody_else(command, world):
    others = states(world, EMPLOYER)
    told = command.json("recipients", "erase", EMPLOYEE, "--yes")
    assert told == {
        "account_id": EMPLOYEE,
        "dry_run": False,
        "erased_before": False,
        "contacts_removed": 3,
        "notices_without_words": 8,
        "deliveries_withdrawn": 5 + 16,
        "deliveries_under_way": 1,
        "sessions_ended": 0,
        "keys_revoked": 0,
        "webhooks_deleted": 0,
    }
    assert {reason for _, state, reason in states(world, EMPLOYEE) if state == "cancelled"} == {
        "erased"
    }
    assert {state for _, state, _ in states(world, EMPLOYEE)} == STAY | {"cancelled"}
    assert states(world, EMPLOYER) == others
    assert world.rows(select(attempt.c.detail)) == [(None,)]
    assert len(world.rows(select(contact))) == 1
    assert not any(place in str(whole(world)) for place in ANA)
    assert "ana@" not in command.run("recipients", "export").stdout
    assert command.json("recipients", "erase", EMPLOYEE, "--yes")["erased_before"]


def test_the_log_and_its_replay_stay_what_they_were(command, world):
    append_facts(world)
    before, log = command.json("replay", "--digest"), world.rows(select(recorded_event))
    command.run("recipients", "erase", EMPLOYEE, "--yes")
    append_facts(world)
    follower = projections_follower(world.database)
    while follower.step():
        pass
    after = world.rows(select(recorded_event).order_by(recorded_event.c.position))
    assert after[: len(log)] == sorted(log, key=lambda row: row.position)
    assert len(after) > len(log)  # that what had not left was withdrawn is told, too
    assert command.json("replay", "--digest")["state_digest"] == before["state_digest"]
    assert "are equal to the log" in command.run("replay").stdout


def test_what_let_the_account_in_or_named_it_elsewhere_ends(command, here, world):
    lookup, now = world.vault.account_lookup(EMPLOYEE), now_micros()
    hooks = (
        (Wanted("https://one.example/"), Owner(EMPLOYEE)),
        (Wanted("https://two.example/", account_id=EMPLOYEE), Owner(None)),
        (Wanted("https://three.example/"), Owner(None)),
    )
    with world.database.begin() as conn:
        for wanted, owner in hooks:
            subscriptions.create(conn, world.vault, wanted, owner=owner, now=now)
        for account in (EMPLOYEE, EMPLOYER):
            keys.create_key(conn, name="k", scopes=["employee"], account=account)
            sessions.open_session(conn, world.vault, account, issuer="x", seconds=60, now=now)
        note(conn, now, Access("preferences_set", "s", lookup, "192.0.2.7", '{"language":"es"}'))
        read_log.add(conn, [Read(now, "s", lookup, "/v1/me", None, None, None, 200, "192.0.2.7")])
    told = command.json("recipients", "erase", EMPLOYEE, "--yes")
    assert (told["sessions_ended"], told["keys_revoked"], told["webhooks_deleted"]) == (1, 1, 2)
    with world.database.read() as conn:
        left = {key.account_id: key.revoked_at for key in keys.list_keys(conn)}
    assert left.pop(EMPLOYER) is None
    assert left.pop(None) is not None
    assert left == {}
    ended = {row.account_lookup: row.ended_at for row in world.rows(select(sessions.session))}
    assert [ended[lookup] is None, list(ended.values()).count(None)] == [False, 1]
    assert sorted(row.state for row in world.rows(select(webhook))) == [
        "active",
        "deleted",
        "deleted",
    ]
    assert "192.0.2.7" not in str(whole(world))
    noted = world.rows(select(access_log).order_by(access_log.c.at))
    assert [(row.action, row.about) for row in noted] == [
        ("preferences_set", None),
        ("erased", None),
    ]


def test_a_dry_run_says_the_same_and_changes_nothing(command, world):
    before = whole(world)
    would = command.json("recipients", "erase", EMPLOYEE, "--dry-run")
    assert whole(world) == before
    assert would | {"dry_run": False} == command.json("recipients", "erase", EMPLOYEE, "--yes")


def test_nothing_is_erased_without_a_yes(command, world):
    before = whole(world)
    asked = command.run("recipients", "erase", EMPLOYEE, code=1, typed="n\n")
    assert EMPLOYEE in asked.output
    assert "--yes" in command.run("recipients", "erase", EMPLOYEE, "--json", code=2).stderr
    assert "account" in command.run("recipients", "erase", "GNOBODY", "--yes", code=2).stderr
    assert whole(world) == before
    command.run("recipients", "erase", EMPLOYEE, typed="y\n")
    assert whole(world) != before


def test_an_import_brings_nobody_back_and_nothing_more_is_told(command, world, tmp_path):
    command.run("recipients", "erase", EMPLOYEE, "--yes")
    file = tmp_path / "roster.csv"
    file.write_text(f"account_id,email,phone,push,language\n{EMPLOYEE},ana@example.test,,,\n")
    assert command.json("recipients", "import", file) == {
        "accounts": 0,
        "erased": 1,
        "letters": 0,
    }
    count = len(world.rows(select(notice)))
    world.record(paused(30))
    world.plan()
    assert len(world.rows(select(notice))) == count + 1  # the employer's
    why = command.run(
        "notice", "why", "--account", EMPLOYEE, "--event", paused(30).event_id, code=1
    )
    assert "NOT told" in why.stdout
