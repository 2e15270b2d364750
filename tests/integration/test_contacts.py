"""A person's own contacts over the API, with letters that really leave, on both databases."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from notifier.contact_letters import contact_letter
from notifier.contact_post import CODE_TRIES, CODES_OF_ACCOUNT, CODES_OF_PLACE
from notifier.contacts import MOST_CONTACTS
from notifier.erasure import erase
from notifier.schema import contact, delivery
from store.clock import now_micros
from tests.fakes import chain
from tests.fakes.at_home import ANA, BEN, EMAIL, PHONE, Home
from tests.fakes.wallet import person
from wallets.control import Control
from wallets.errors import ChainUnreadable


@pytest.fixture
def home(database) -> Home:
    return Home(database)


async def test_a_contact_is_told_only_once_its_code_came_back(home):
    token = await home.sign_in()
    added = (await home.add(token)).json()["contact"]
    assert added["hint"] == "an…@example.org"
    assert added["verified_at"] is None
    home.served.tell(chain.created(1, employee=ANA.public_key))
    home.served.tell(chain.paused(2, employee=ANA.public_key))
    with home.served.database.read() as conn:
        assert "email" not in conn.scalars(select(delivery.c.channel)).all()
    code = await home.code()
    assert (await home.contacts(token))[0]["code"] == "sent"
    answer = await home.verify(token, added["contact_id"], code)
    assert answer.json()["contact"]["verified_at"] is not None
    home.served.tell(chain.resumed(3, employee=ANA.public_key))
    with home.served.database.read() as conn:
        row = conn.execute(select(delivery).where(delivery.c.channel == "email")).one()
    assert str(row.contact_id) == added["contact_id"]
    told = (await home.served.ask("/v1/me/notifications", key=token)).json()["items"]
    assert [item["kind"] for item in told] == ["resumed", "paused"]
    assert [each["channel"] for each in told[0]["deliveries"]] == ["email"]
    mine = (await home.served.ask("/v1/me", key=token)).json()
    assert (mine["verified_contacts"], mine["unread"], mine["session"]) == (1, 2, True)


async def test_a_wrong_code_counts_and_five_end_it(home):
    token = await home.sign_in()
    contact_id = (await home.add(token)).json()["contact"]["contact_id"]
    code = await home.code()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(CODE_TRIES):
        answer = await home.verify(token, contact_id, wrong)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/code-refused")
    assert (await home.verify(token, contact_id, code)).status_code == 403
    await home.add(token)
    fresh = await home.code()
    assert (await home.verify(token, contact_id, fresh)).status_code == 200
    assert home.actions().count("contact_code_refused") == CODE_TRIES + 1


async def test_many_guesses_at_the_same_time_are_five_guesses(home):
    token = await home.sign_in()
    contact_id = (await home.add(token)).json()["contact"]["contact_id"]
    code = await home.code()
    wrong = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 13)]
    async with home.served.client() as client:
        headers = {"Authorization": f"Bearer {token}"}
        path = f"/v1/me/contacts/{contact_id}/verify"
        await asyncio.gather(
            *(client.post(path, json={"code": each}, headers=headers) for each in wrong)
        )
        late = await client.post(path, json={"code": code}, headers=headers)
    assert late.status_code == 403
    with home.served.database.read() as conn:
        assert conn.execute(select(contact_letter.c.tries_left)).scalar_one() == 0


async def test_only_the_newest_code_counts_until_its_time_and_once(home):
    token = await home.sign_in()
    contact_id = (await home.add(token)).json()["contact"]["contact_id"]
    first = await home.code()
    await home.add(token)
    second = await home.code()
    if first != second:
        assert (await home.verify(token, contact_id, first)).status_code == 403
    with home.served.database.begin() as conn:
        conn.execute(update(contact_letter).values(expires_at=now_micros()))
    assert (await home.verify(token, contact_id, second)).status_code == 403


async def test_a_place_gets_few_codes_whoever_asks(home):
    for number in range(CODES_OF_PLACE):
        token = await home.sign_in(person(f"stranger {number}"))
        assert (await home.add(token)).status_code == 200
    answer = await home.add(await home.sign_in(person("one more")))
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-codes")
    assert int(answer.headers["Retry-After"]) > 0


async def test_an_account_asks_for_few_codes_however_many_places_it_names(home):
    token = await home.sign_in()
    async with home.served.client() as client:
        headers = {"Authorization": f"Bearer {token}"}
        answers = await asyncio.gather(
            *(
                client.post(
                    "/v1/me/contacts",
                    json={"channel": "email", "destination": f"a{n}@example.org"},
                    headers=headers,
                )
                for n in range(CODES_OF_ACCOUNT + 4)
            )
        )
    assert sorted(each.status_code for each in answers) == [200] * CODES_OF_ACCOUNT + [429] * 4
    assert CODES_OF_ACCOUNT < MOST_CONTACTS


async def test_the_places_before_are_told_of_a_new_one_and_the_removed_one_of_its_end(home):
    token = await home.sign_in()
    email = await home.verified(token)
    await home.verified(token, PHONE, "sms")
    while await home.sender.step():
        pass
    said = [letter.subject for letter, _ in home.channels["email"].sent]
    assert said[1:] == ["A new place gets your Pausewire alerts"]
    gone = await home.served.ask(f"/v1/me/contacts/{email}", key=token, method="DELETE")
    assert gone.json()["contact"]["contact_id"] == email
    while await home.sender.step():
        pass
    letter, to = home.channels["email"].sent[-1]
    assert (letter.subject, to) == ("Your Pausewire alerts no longer come here", EMAIL)
    assert [each["channel"] for each in await home.contacts(token)] == ["sms"]
    log = (await home.served.ask("/v1/me/access", key=token)).json()["items"]
    assert [each["action"] for each in log][:3] == [
        "contact_removed",
        "contact_verified",
        "contact_added",
    ]
    assert all(EMAIL not in str(each) and PHONE not in str(each) for each in log)
    assert {each["client"] for each in log} == {"127.0.0.1"}


async def test_nobody_sees_or_changes_anothers_contacts(home):
    mine, yours = await home.sign_in(), await home.sign_in(BEN)
    contact_id = await home.verified(mine)
    assert await home.contacts(yours) == []
    for answer in (
        await home.served.ask(f"/v1/me/contacts/{contact_id}", key=yours, method="DELETE"),
        await home.served.ask(f"/v1/me/contacts/{uuid4()}", key=yours, method="DELETE"),
        await home.verify(yours, contact_id, "000000"),
    ):
        assert answer.status_code == 404
    assert len(await home.contacts(mine)) == 1
    log = (await home.served.ask("/v1/me/access", key=yours)).json()["items"]
    assert [each["action"] for each in log] == ["signed_in"]


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        (Control(on_network=True, weight=1, medium=2), 403, "control-missing"),
        (Control(on_network=True, weight=0, medium=0), 403, "control-missing"),
        (Control(on_network=True, weight=2, medium=2), 200, None),
        (Control(on_network=False, weight=1, medium=0), 200, None),
        (
            ChainUnreadable("no RPC endpoint told of the account (ConnectError)"),
            503,
            "control-unknown",
        ),
    ],
)
async def test_who_does_not_control_the_account_changes_nothing(home, said, status, kind):
    token = await home.sign_in()
    home.network.said = said
    for answer in (
        await home.add(token),
        await home.served.ask("/v1/me", key=token, method="PUT", json={"language": "es"}),
    ):
        assert answer.status_code == status, answer.text
        assert kind is None or answer.json()["type"] == f"/problems/{kind}"
    changed = len(await home.contacts(token)) == 1
    mine = (await home.served.ask("/v1/me", key=token)).json()
    assert changed == (status == 200) == (mine["language"] == "es")


async def test_a_key_of_the_operators_changes_contacts_by_the_operators_word(home):
    home.network.said = ChainUnreadable("away")
    key = home.served.make_key("employee", account=ANA.public_key)
    assert (await home.add(key)).status_code == 200


@pytest.mark.parametrize(
    ("channel", "destination"),
    [
        ("email", "ana"),
        ("email", "ana@example.org\r\nBcc: all@example.org"),
        ("email", "ana@example.org, ben@example.org"),
        ("sms", "0155 1234"),
        ("push", "ntfy:../admin"),
        ("push", '{"endpoint": "http://127.0.0.1", "keys": {"p256dh": "x", "auth": "y"}}'),
    ],
)
async def test_a_place_that_is_none_is_refused_with_the_way_out(home, channel, destination):
    answer = await home.add(await home.sign_in(), destination, channel)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body.destination"


async def test_an_erased_person_has_no_letters_left_and_adds_no_contact(home):
    token = await home.sign_in()
    await home.add(token)
    with home.served.database.begin() as conn:
        erase(conn, home.served.given.vault, ANA.public_key, now_micros())
        assert conn.execute(select(contact_letter)).all() == []
        assert conn.execute(select(contact)).all() == []
    assert (await home.add(token)).status_code == 409
    answer = await home.served.ask("/v1/me", key=token, method="PUT", json={"language": "es"})
    assert answer.status_code == 409
    assert (await home.served.ask("/v1/me", key=token)).json()["verified_contacts"] == 0
