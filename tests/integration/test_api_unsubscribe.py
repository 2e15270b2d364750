"""Unsubscribe links over the API, on both databases: from a mail to no more mail, and back."""

import pytest
from sqlalchemy import select

from notifier import suppression, unsubscribing
from notifier.attempts import Claim
from notifier.contact_file import ContactLine
from notifier.drafts import Withheld
from notifier.erasure import erase
from notifier.letters import Letters
from notifier.rendering import Renderer
from notifier.schema import delivery
from notifier.suppression import HARD_BOUNCE
from notifier.wishing import set_language
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE
from tests.fakes.guests import EVERYBODY
from tests.fakes.served import Served

ANA = "ana@example.test"


@pytest.fixture
def served(database) -> Served:
    made = Served(database)
    made.world.register(ContactLine(EMPLOYEE, ANA, "", "", "en"))
    made.tell(chain.created(1), chain.paused(2))
    return made


def drafted(served: Served):
    """The draft of the mail that waits, as a worker would read it."""
    with served.database.read() as conn:
        row = conn.execute(select(delivery).where(delivery.c.channel == "email")).first()
        held = Claim(
            delivery_id=row.delivery_id,
            notice_id=row.notice_id,
            channel="email",
            contact_id=row.contact_id,
            token="t",
            attempt_number=1,
            planned_at=row.planned_at,
            deadline_at=row.deadline_at,
            claimed_at=0,
            lease_until=0,
        )
        letters = Letters(
            served.world.vault, Renderer(), guests=EVERYBODY, public_url="https://pay.example"
        )
        draft = letters.read(conn, held, letters.look_up(conn, [held]))
        return draft if isinstance(draft, Withheld) else letters.write(held, draft)


def path_of(served: Served) -> str:
    url = drafted(served).unsubscribe_url
    assert url.startswith("https://pay.example/v1/unsubscribe/")
    return url.removeprefix("https://pay.example")


def suppressed(served: Served) -> str | None:
    lookup = served.world.vault.destination_lookup("email", ANA)
    with served.database.read() as conn:
        return conn.scalar(select(suppression.reason_for("email", lookup)))


async def test_looking_changes_nothing_and_one_click_ends_it(served):
    path = path_of(served)
    for method in ("GET", "HEAD"):
        answer = await served.ask(path, key=None, method=method)
        assert suppressed(served) is None
    answer = await served.ask(path, key=None)
    assert answer.status_code == 200
    assert "Send me no more" in answer.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    for _ in range(2):
        clicked = await served.ask(
            path, key=None, method="POST", data={"List-Unsubscribe": "One-Click"}
        )
        assert clicked.status_code == 200
    assert suppressed(served) == "unsubscribed"
    assert drafted(served) == Withheld("suppressed", "unsubscribed")  # mail on its way stays too
    assert "You get no more" in (await served.ask(path, key=None)).text


async def test_its_reader_takes_it_back(served):
    path = path_of(served)
    await served.ask(path, key=None, method="POST")
    back = await served.ask(f"{path}/undo", key=None, method="POST")
    assert "Send me no more" in back.text
    assert suppressed(served) is None


async def test_taking_it_back_lifts_no_bounce(served):
    path = path_of(served)
    lookup = served.world.vault.destination_lookup("email", ANA)
    with served.database.begin() as conn:
        suppression.put(conn, "email", lookup, HARD_BOUNCE, source="smtp", at=1)
    page = await served.ask(f"{path}/undo", key=None, method="POST")
    assert "No mail goes to this address" in page.text
    assert suppressed(served) == HARD_BOUNCE


async def test_a_forged_or_cut_link_does_nothing(served):
    token = path_of(served).rpartition("/")[2]
    other = served.world.vault.destination_lookup("email", "eve@example.test")
    stolen = unsubscribing.token_for(type(served.world.vault)(b"x" * 32), other)
    swapped = ("A" if token[0] != "A" else "B") + token[1:]
    for wrong in (token[:-1], swapped, stolen, "x", "é", "a" * 100):
        for method in ("GET", "POST"):
            answer = await served.ask(f"/v1/unsubscribe/{wrong}", key=None, method=method)
            assert answer.status_code == 404, (wrong, method)
    assert suppressed(served) is None


async def test_the_token_names_nobody(served):
    token = path_of(served).rpartition("/")[2]
    assert "ana" not in token
    assert len(token) == 64


async def test_the_page_speaks_the_language_of_whoever_has_the_address(served):
    path = path_of(served)
    with served.database.begin() as conn:
        set_language(conn, served.world.vault, EMPLOYEE, "ar-EG", 1)
    page = await served.ask(path, key=None, headers={"Accept-Language": "de"})
    assert '<html lang="ar" dir="rtl">' in page.text
    with served.database.begin() as conn:
        erase(conn, served.world.vault, EMPLOYEE, 1)
    page = await served.ask(path, key=None, headers={"Accept-Language": "de"})
    assert "Sie erfahren per E-Mail" in page.text
    gone = await served.ask(path, key=None, method="POST", headers={"Accept-Language": "tlh"})
    assert "You get no more" in gone.text


async def test_a_browser_that_brings_a_cut_link_gets_a_page_that_says_so(served):
    cut = path_of(served)[:-1]
    for method, path in (("GET", cut), ("POST", cut), ("POST", f"{cut}/undo")):
        headers = {"Accept": "text/html,*/*", "Accept-Language": "fr"}
        answer = await served.ask(path, key=None, method=method, headers=headers)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (404, "text/html")
        assert "n'est pas valable" in answer.text
        assert "script" not in answer.headers["Content-Security-Policy"]
