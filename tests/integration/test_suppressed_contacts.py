"""Places that nothing goes to: their owner sees why and takes it back by what may; on both databases."""

import re

import pytest
from sqlalchemy import select

from notifier import suppression
from tests.fakes import chain
from tests.fakes.at_home import ANA, BEN, EMAIL, PHONE, Home

BY_CODE = ["hard_bounce", "complaint", "unsubscribed"]


@pytest.fixture
def home(database) -> Home:
    return Home(database)


def stands(home: Home, destination: str = EMAIL, channel: str = "email") -> str | None:
    lookup = home.served.given.vault.destination_lookup(channel, destination)
    with home.served.database.read() as conn:
        return conn.scalar(select(suppression.reason_for(channel, lookup)))


async def inbox(home: Home, token: str) -> dict:
    return (await home.served.ask("/v1/me/inbox", key=token)).json()


@pytest.mark.parametrize("reason", BY_CODE)
async def test_a_code_that_came_back_from_the_place_takes_the_reason_off_it(home, reason):
    token = await home.sign_in()
    contact_id = await home.verified(token)
    home.a_day_later()
    home.keep_from(reason)
    [place] = await home.contacts(token)
    [against] = place["suppressed"]
    assert (against["reason"], against["undone_by"]) == (reason, "code")
    assert against["since"].endswith("Z")
    assert (place["code"], place["verified_at"] is not None) == (None, True)
    asked = await home.prove(token, contact_id)
    assert (asked.status_code, asked.json()["contact"]["code"]) == (200, "pending")
    code = await home.code()
    assert [(each["code"], len(each["suppressed"])) for each in await home.contacts(token)] == [
        ("sent", 1)
    ]
    wrong = await home.verify(token, contact_id, f"{(int(code) + 1) % 10**6:06}")
    assert (wrong.status_code, stands(home)) == (403, reason)
    done = await home.verify(token, contact_id, code)
    assert done.json()["contact"]["suppressed"] == []
    assert stands(home) is None
    assert [each["code"] for each in await home.contacts(token)] == [None]
    assert home.actions()[-3:] == [
        "contact_code_asked",
        "contact_code_refused",
        "contact_verified",
    ]
    items = await home.served.walk("/v1/me/changes", 50, key=token)
    assert [(each["by"], each["what"], each["about"]) for each in items][:3] == [
        ("page", "lifted", f"email {reason}"),
        ("provider", "suppressed", f"email {reason}"),
        ("page", "contact_confirmed", "email"),
    ]


async def test_a_link_does_as_well_as_the_code_it_came_with(home):
    home.sender._public_url = "https://pay.example"
    token = await home.sign_in()
    contact_id = await home.verified(token)
    home.a_day_later()
    home.keep_from("complaint")
    await home.prove(token, contact_id)
    await home.code()
    letter, _ = home.channels["email"].sent[-1]
    [path] = re.findall(r"https://pay\.example(/v1/confirm/\S+)", letter.text)
    assert (await home.served.ask(path, key=None)).status_code == 200
    assert stands(home) == "complaint"
    assert (await home.served.ask(path, key=None, method="POST")).status_code == 200
    assert stands(home) is None
    [lifted, *_] = await home.served.walk("/v1/me/changes", 50, key=token)
    assert (lifted["by"], lifted["what"]) == ("confirm_link", "lifted")


async def test_a_bounced_place_gets_one_code_a_day_also_when_it_was_removed_and_added_again(home):
    token = await home.sign_in()
    contact_id = await home.verified(token)
    home.a_day_later()
    home.keep_from("hard_bounce")
    assert (await home.prove(token, contact_id)).status_code == 200
    await home.code()
    again = await home.prove(token, contact_id)
    assert (again.status_code, again.json()["type"]) == (429, "/problems/one-code-a-day")
    assert int(again.headers["Retry-After"]) > 3_600
    await home.served.ask(f"/v1/me/contacts/{contact_id}", key=token, method="DELETE")
    assert (await home.add(token)).json()["type"] == "/problems/one-code-a-day"
    stranger = await home.sign_in(BEN)
    assert (await home.add(stranger)).json()["type"] == "/problems/one-code-a-day"
    home.a_day_later()
    await home.verified(token)
    assert stands(home) is None


async def test_who_merely_names_a_place_learns_nothing_of_what_stands_against_it(home):
    home.keep_from("complaint")
    token = await home.sign_in(BEN)
    added = (await home.add(token)).json()["contact"]
    [listed] = await home.contacts(token)
    assert added["suppressed"] == listed["suppressed"] == (await inbox(home, token))["suppressed"]
    assert listed["suppressed"] == []


@pytest.mark.parametrize(("reason", "by"), [("stop", "start"), ("operator", "operator")])
async def test_no_code_undoes_a_stop_or_an_operators_word_and_the_way_out_is_said(home, reason, by):
    token = await home.sign_in()
    contact_id = await home.verified(token, PHONE, "sms")
    home.a_day_later()
    for each in ("hard_bounce", reason):
        home.keep_from(each, PHONE, "sms")
    [place] = await home.contacts(token)
    assert {each["undone_by"] for each in place["suppressed"]} == {"code", by}
    refused = await home.prove(token, contact_id)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
    assert ("START" if reason == "stop" else "operator") in refused.json()["detail"]
    assert home.actions().count("contact_code_asked") == 0


async def test_a_stop_that_came_behind_a_code_is_not_lifted_by_typing_it(home):
    token = await home.sign_in()
    contact_id = (await home.add(token, PHONE, "sms")).json()["contact"]["contact_id"]
    code = await home.code(PHONE, "sms")
    home.keep_from("stop", PHONE, "sms")
    answer = await home.verify(token, contact_id, code)
    assert [each["reason"] for each in answer.json()["contact"]["suppressed"]] == ["stop"]
    assert stands(home, PHONE, "sms") == "stop"


async def test_there_is_nothing_to_prove_of_a_place_that_is_told_and_nothing_of_anothers(home):
    token, other = await home.sign_in(), await home.sign_in(BEN)
    contact_id = await home.verified(token)
    assert (await home.prove(token, contact_id)).status_code == 409
    home.keep_from("hard_bounce")
    assert (await home.prove(other, contact_id)).status_code == 404
    assert stands(home) == "hard_bounce"


async def test_the_inbox_says_which_places_nothing_goes_to_beside_what_they_would_have_got(home):
    token = await home.sign_in()
    contact_id = await home.verified(token)
    home.served.tell(chain.created(1, employee=ANA.public_key))
    assert (await inbox(home, token))["suppressed"] == []
    home.keep_from("complaint")
    home.served.tell(chain.paused(2, employee=ANA.public_key))
    found = await inbox(home, token)
    assert [each["kind"] for each in found["items"]] == ["paused"]
    [silent] = found["suppressed"]
    assert (silent["contact_id"], silent["hint"]) == (contact_id, "an…@example.org")
    assert [each["reason"] for each in silent["suppressed"]] == ["complaint"]


async def test_a_providers_clock_ahead_of_ours_outlives_no_code(home):
    token = await home.sign_in()
    contact_id = await home.verified(token)
    home.a_day_later()
    home.keep_from("hard_bounce")
    await home.prove(token, contact_id)
    code = await home.code()
    lookup = home.served.given.vault.destination_lookup("email", EMAIL)
    with home.served.database.begin() as conn:
        ahead = suppression.standing(conn, [("email", lookup)])["email", lookup][0].since + 10**9
        suppression.put(conn, "email", lookup, "hard_bounce", source="test", at=ahead)
    assert (await home.verify(token, contact_id, code)).json()["contact"]["suppressed"] == []
    assert stands(home) is None
