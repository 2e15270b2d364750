"""Links that confirm a mailbox, from a mail that really left to alerts that come, on both databases."""

import asyncio
import re

import pytest
from sqlalchemy import select, update

from api.access_log import access_log
from api.rate_limits import RateLimits
from notifier.contact_letters import contact_letter
from notifier.contact_sender import ContactSender
from notifier.erasure import erase
from notifier.schema import contact
from notifier.wishing import set_language
from store.clock import now_micros
from tests.fakes.at_home import ANA, BEN, EMAIL, PHONE, Home
from tests.fakes.guests import EVERYBODY

PUBLIC = "https://pay.example/wire"
LINK = re.compile(r"https://pay\.example/wire(/v1/confirm/[A-Za-z0-9_-]{43})")


class Mailbox(Home):
    """A home whose mails name an address that people reach."""

    def __init__(self, database) -> None:
        super().__init__(database)
        self.sender = ContactSender(
            database,
            self.served.given.vault,
            self.channels,
            guests=EVERYBODY,
            poll_seconds=0.01,
            public_url=PUBLIC,
        )

    async def link(self, token: str, destination: str = EMAIL) -> str:
        """The path of the link that arrives for a place that is added, or added again."""
        assert (await self.add(token, destination)).status_code == 200
        await self.code(destination)
        letter = [each for each, to in self.channels["email"].sent if to == destination][-1]
        [path] = LINK.findall(letter.text)
        assert f'href="{PUBLIC}{path}"' in letter.html
        return path

    async def press(self, path: str):
        return await self.served.ask(path, key=None, method="POST")

    def confirmed(self) -> int:
        with self.served.database.read() as conn:
            return len(
                conn.execute(select(contact).where(contact.c.verified_at.is_not(None))).all()
            )


@pytest.fixture
def home(database) -> Mailbox:
    return Mailbox(database)


async def test_looking_confirms_nothing_and_one_press_does_once(home):
    token = await home.sign_in()
    path = await home.link(token)
    for method in ("GET", "HEAD", "GET"):
        answer = await home.served.ask(path, key=None, method=method)
        assert home.confirmed() == 0
    page = await home.served.ask(path, key=None)
    assert "Yes, send my alerts there" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert EMAIL not in page.text
    assert ANA.public_key not in page.text
    answer = await home.press(path)
    assert (answer.status_code, home.confirmed()) == (200, 1)
    assert "Confirmed: your alerts come here." in answer.text
    for again in (await home.press(path), await home.served.ask(path, key=None)):
        assert again.status_code == 404
    with home.served.database.read() as conn:
        row = conn.execute(select(access_log).order_by(access_log.c.at.desc()).limit(1)).one()
    assert (row.action, row.actor) == ("contact_verified", "link")
    assert EMAIL not in str(row)


async def test_of_many_who_press_at_once_one_is_heard(home):
    path = await home.link(await home.sign_in())
    async with home.served.client() as client:
        answers = await asyncio.gather(*(client.post(path) for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [200] + [404] * 5
    assert home.actions().count("contact_verified") == 1


async def test_code_and_link_end_each_other_and_a_new_letter_ends_the_one_before(home):
    token = await home.sign_in()
    first = await home.link(token)
    second = await home.link(token)
    assert (await home.press(first)).status_code == 404
    assert (await home.press(second)).status_code == 200
    contact_id = (await home.contacts(token))[0]["contact_id"]
    other = await home.link(token, "ana@example.net")
    contact_id = (await home.contacts(token))[1]["contact_id"]
    code = await home.code("ana@example.net")
    assert (await home.verify(token, contact_id, code)).status_code == 200
    assert (await home.press(other)).status_code == 404
    said = [letter.kind for letter, to in home.channels["email"].sent if to == EMAIL]
    assert said.count("contact_code") == 2


async def test_the_places_before_are_told_of_one_confirmed_by_its_link(home):
    token = await home.sign_in()
    await home.verified(token, PHONE, "sms")
    await home.press(await home.link(token))
    while await home.sender.step():
        pass
    assert home.channels["sms"].sent[-1][0].kind == "contact_added"


@pytest.mark.parametrize("ending", ["late", "removed", "erased"])
async def test_a_link_whose_time_or_place_or_person_is_gone_is_like_a_forged_one(home, ending):
    token = await home.sign_in()
    path = await home.link(token)
    if ending == "late":
        with home.served.database.begin() as conn:
            conn.execute(update(contact_letter).values(expires_at=now_micros()))
    elif ending == "removed":
        contact_id = (await home.contacts(token))[0]["contact_id"]
        await home.served.ask(f"/v1/me/contacts/{contact_id}", key=token, method="DELETE")
    else:
        with home.served.database.begin() as conn:
            erase(conn, home.served.given.vault, ANA.public_key, now_micros())
    forged = await home.press("/v1/confirm/" + "A" * 43)
    for answer in (await home.press(path), await home.served.ask(path, key=None)):
        assert (answer.status_code, answer.json()["detail"]) == (404, forged.json()["detail"])
    assert home.confirmed() == 0


@pytest.mark.parametrize(
    "hostile", ["x", "é" * 43, "A" * 42 + "%00", "A" * 44, "' OR 1=1 --", "A" * 42 + "=", "%2e%2e"]
)
async def test_hostile_links_are_refused_and_change_nothing(home, hostile):
    await home.link(await home.sign_in())
    for method in ("GET", "POST"):
        answer = await home.served.ask(f"/v1/confirm/{hostile}", key=None, method=method)
        assert answer.status_code in (404, 422), hostile
    assert home.confirmed() == 0


async def test_a_link_is_kept_as_a_hash_and_confirms_its_own_place_only(home):
    mine, yours = await home.sign_in(), await home.sign_in(BEN)
    path = await home.link(mine)
    await home.link(yours, "ben@example.org")
    word = path.rpartition("/")[2].encode()
    with home.served.database.read() as conn:
        for row in conn.execute(select(contact_letter)).all():
            assert not any(word in value for value in row if isinstance(value, bytes))
    await home.press(path)
    assert (await home.contacts(mine))[0]["verified_at"] is not None
    assert (await home.contacts(yours))[0]["verified_at"] is None


async def test_the_page_speaks_the_persons_language(home):
    token = await home.sign_in()
    with home.served.database.begin() as conn:
        set_language(conn, home.served.given.vault, ANA.public_key, "ar", 1)
    path = await home.link(token)
    page = await home.served.ask(path, key=None, headers={"Accept-Language": "de"})
    assert '<html lang="ar" dir="rtl">' in page.text


async def test_whoever_tries_many_links_is_stopped_by_the_address(sqlite_database):
    home = Mailbox(sqlite_database)
    limited = type(home.served)(sqlite_database, rate_limits=RateLimits(of_address=5))
    async with limited.client() as client:
        answers = [await client.post(f"/v1/confirm/{'A' * 42}{n}") for n in range(7)]
    assert [each.status_code for each in answers] == [404] * 5 + [429] * 2
