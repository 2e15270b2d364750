"""What others change: places hear of imports, and the access log has all of it; on both databases."""

import pytest

from notifier import suppression, unsubscribing
from notifier.contact_file import ContactLine
from store.clock import now_micros
from tests.fakes.at_home import ANA, BEN, EMAIL, PHONE, Home

NEW = "new.ana@example.net"
GONE = "Your Pausewire alerts no longer come here"
ADDED = "A new place gets your Pausewire alerts"
FIRST = ContactLine(ANA.public_key, EMAIL, PHONE, "", "en")


@pytest.fixture
def home(database) -> Home:
    return Home(database)


async def letters(home: Home) -> list[tuple[str, str]]:
    """What left: where to, and what it says."""
    while await home.sender.step():
        pass
    sent = [each for channel in home.channels.values() for each in channel.sent]
    return sorted((to, letter.subject) for letter, to in sent)


async def log(home: Home, token: str, limit: int = 50) -> list[tuple]:
    items = await home.served.walk("/v1/me/access", limit, key=token)
    return [(each["actor"], each["action"], each["about"]) for each in items]


async def test_a_replaced_place_and_those_that_stay_are_told_once_and_a_first_roster_tells_nobody(
    home,
):
    home.served.world.register(FIRST, ContactLine(BEN.public_key, "ben@example.org"))
    assert await letters(home) == []
    for _ in range(2):
        home.served.world.register(FIRST._replace(email=NEW))
    assert await letters(home) == [(PHONE, ADDED), (EMAIL, GONE)]


async def test_a_place_that_was_never_confirmed_is_not_told_and_its_code_counts_no_more(home):
    token = await home.sign_in()
    contact_id = (await home.add(token)).json()["contact"]["contact_id"]
    code = await home.code()
    home.served.world.register(FIRST._replace(email=NEW, phone=""))
    assert [subject for _, subject in await letters(home) if "code" not in subject] == []
    home.keep_from("hard_bounce", NEW)
    assert (await home.verify(token, contact_id, code)).status_code == 403


async def test_a_new_channel_is_told_to_the_ones_there_were_and_not_to_the_others_of_its_line(home):
    home.served.world.register(FIRST._replace(phone=""))
    home.served.world.register(FIRST._replace(push="ntfy:ana"))
    assert await letters(home) == [(EMAIL, ADDED)] * 2


@pytest.mark.parametrize("limit", [50, 2])
async def test_the_access_log_has_what_others_words_changed_between_what_sessions_did(home, limit):
    home.served.world.register(FIRST)
    token = await home.sign_in()
    vault = home.served.given.vault
    mail, sms = (vault.destination_lookup(*each) for each in (("email", EMAIL), ("sms", PHONE)))
    home.served.world.register(FIRST._replace(email=NEW))
    home.served.world.register(FIRST)
    await home.served.ask(
        f"/v1/unsubscribe/{unsubscribing.token_for(vault, mail)}", key=None, method="POST"
    )
    await home.served.ask("/v1/me", key=token, method="PUT", json={"language": "de"})
    with home.served.database.begin() as conn:
        now = now_micros()
        suppression.put(conn, "sms", sms, "stop", source="twilio:1", at=now)
        suppression.put(conn, "email", mail, "operator", source="operator", at=now + 1)
        suppression.lift_all(conn, "email", mail, at=now + 2)
    found = await log(home, token, limit)
    assert sorted(found[:2]) == [
        ("operator", "lifted", "email operator"),
        ("operator", "lifted", "email unsubscribed"),
    ]
    session = found[4][0]
    assert session.startswith("session_")
    assert found[2:8] == [
        ("operator", "suppressed", "email operator"),
        ("stop", "suppressed", "sms stop"),
        (session, "language_set", "de"),
        ("unsubscribe_link", "suppressed", "email unsubscribed"),
        ("import", "contact_replaced", "email"),
        ("import", "contact_replaced", "email"),
    ]
    assert found[8][1] == "signed_in"
    assert sorted(each[1] for each in found[9:]) == ["contact_added"] * 2
    assert len(found) == 11


async def test_nobody_reads_anothers_access_log_and_an_entry_stands_in_it_once(home):
    mine, yours = await home.sign_in(), await home.sign_in(BEN)
    contact_id = await home.verified(mine)
    home.a_day_later()
    home.keep_from("complaint")
    await home.prove(mine, contact_id)
    await home.verify(mine, contact_id, await home.code())
    found = [each[1] for each in await log(home, mine)]
    assert sorted(found[:2]) == ["contact_verified", "lifted"]  # of one transaction
    assert found[2:] == [
        "contact_code_asked",
        "suppressed",
        "contact_verified",
        "contact_added",
        "signed_in",
    ]
    assert [each[1] for each in await log(home, yours)] == ["signed_in"]
