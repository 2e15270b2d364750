"""The history of what a person is told and where, on both databases: by whose word, from what to what."""

import pytest
from sqlalchemy import select

from notifier import suppression, unsubscribing
from notifier.changes import change
from notifier.contact_file import ContactLine
from notifier.erasure import erase
from store.clock import now_micros
from tests.fakes.at_home import ANA, BEN, EMAIL, PHONE, Home

PREFERENCES = {
    "language": "de",
    "time_zone": "Asia/Kolkata",
    "quiet_hours": {"starts": "22:00", "ends": "07:00"},
    "one_by_one": True,
    "order": ["sms", "push"],
}


@pytest.fixture
def home(database) -> Home:
    return Home(database)


async def history(home: Home, token: str, limit: int = 50) -> list[dict]:
    """What the person reads, page by page."""
    return await home.served.walk("/v1/me/changes", limit, key=token)


def told(items: list[dict]) -> list[tuple]:
    return [(each["by"], each["what"], each["about"]) for each in items]


async def test_preferences_are_kept_from_what_to_what_and_saving_the_same_is_no_change(home):
    token = await home.sign_in()
    for _ in range(2):
        answer = await home.served.ask(
            "/v1/me/preferences", key=token, method="PUT", json=PREFERENCES
        )
        assert answer.status_code == 200
    await home.served.ask("/v1/me", key=token, method="PUT", json={"language": "hi"})
    language, all_of_it = await history(home, token)
    assert language["changes"] == [{"field": "language", "before": "de", "after": "hi"}]
    assert (all_of_it["by"], all_of_it["what"]) == ("page", "preferences")
    assert all_of_it["actor"].startswith("session_")
    changed = {each["field"]: (each["before"], each["after"]) for each in all_of_it["changes"]}
    assert changed == {
        "language": ("en", "de"),
        "time_zone": ("UTC", "Asia/Kolkata"),
        "quiet_hours": ("none", "22:00-07:00"),
        "one_by_one": ("none", "yes"),
        "order": ("none", "sms push"),
    }


async def test_places_come_are_confirmed_and_go_by_code_link_and_key(home):
    token = await home.sign_in()
    contact_id = await home.verified(token)
    key = home.served.make_key("employee", account=ANA.public_key)
    await home.served.ask(f"/v1/me/contacts/{contact_id}", key=key, method="DELETE")
    removed, confirmed, added = await history(home, token)
    assert told([removed, confirmed, added]) == [
        ("api", "contact_removed", "email"),
        ("page", "contact_confirmed", "email"),
        ("page", "contact_added", "email"),
    ]
    hint = "an…@example.org"
    assert added["changes"] == [{"field": "place", "before": "", "after": hint}]
    assert removed["changes"] == [{"field": "place", "before": hint, "after": ""}]
    assert EMAIL not in str([removed, confirmed, added])


async def test_an_import_says_what_it_replaced_and_the_same_file_twice_is_no_change(home):
    token = await home.sign_in()
    first = ContactLine(ANA.public_key, EMAIL, PHONE, "", "de", "Asia/Kolkata")
    for line in (first, first, first._replace(email="new.ana@example.net")):
        home.served.world.register(line)
    items = await history(home, token, limit=2)
    assert sorted(told(items), key=str) == [
        ("import", "contact_added", "email"),
        ("import", "contact_added", "sms"),
        ("import", "contact_replaced", "email"),
        ("import", "preferences", None),
    ]
    [replaced] = [each for each in items if each["what"] == "contact_replaced"]
    hints = {"before": "an…@example.org", "after": "ne…@example.net"}
    assert replaced["changes"] == [{"field": "place"} | hints]


async def test_unsubscribing_stop_and_an_operators_word_stand_in_it_once_each(home):
    token = await home.sign_in()
    vault = home.served.given.vault
    await home.verified(token)
    await home.verified(token, PHONE, "sms")
    mail, sms = (vault.destination_lookup(*each) for each in (("email", EMAIL), ("sms", PHONE)))
    path = f"/v1/unsubscribe/{unsubscribing.token_for(vault, mail)}"
    for _ in range(2):
        await home.served.ask(path, key=None, method="POST")
    await home.served.ask(f"{path}/undo", key=None, method="POST")
    with home.served.database.begin() as conn:
        now = now_micros()
        suppression.put(conn, "sms", sms, "stop", source="twilio:1", at=now)
        suppression.put(conn, "sms", sms, "stop", source="twilio:1", at=now - 5)
        suppression.lift(conn, "sms", sms, "stop", source="twilio:2", at=now - 9)
        suppression.put(conn, "email", mail, "hard_bounce", source="smtp", at=now + 1)
        suppression.lift_all(conn, "email", mail, at=now + 2)
    assert told(await history(home, token))[:5] == [
        ("operator", "lifted", "email hard_bounce"),
        ("provider", "suppressed", "email hard_bounce"),
        ("stop", "suppressed", "sms stop"),
        ("unsubscribe_link", "lifted", "email unsubscribed"),
        ("unsubscribe_link", "suppressed", "email unsubscribed"),
    ]


async def test_nobody_reads_anothers_and_what_names_people_is_sealed(home):
    mine, yours = await home.sign_in(), await home.sign_in(BEN)
    await home.verified(mine)
    await home.served.ask("/v1/me/preferences", key=mine, method="PUT", json=PREFERENCES)
    assert await history(home, yours) == []
    with home.served.database.read() as conn:
        stored = str(conn.execute(select(change)).all())
    for named in ("Kolkata", "an…@", "22:00"):
        assert named not in stored


async def test_an_erased_persons_history_is_gone(home):
    token = await home.sign_in()
    await home.verified(token)
    with home.served.database.begin() as conn:
        erase(conn, home.served.given.vault, ANA.public_key, now_micros())
        assert conn.execute(select(change)).all() == []
    assert (await home.served.ask("/v1/me/changes", key=token)).json()["items"] == []
