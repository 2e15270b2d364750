"""The letter of a claim."""

from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from notifier import attempts, suppression, told_links
from notifier.attempts import Claim, Message
from notifier.content import encode_content
from notifier.drafts import ERASED, Draft, Ready, Withheld
from notifier.errors import DestinationRejected
from notifier.letters import Letters
from notifier.rendering import Renderer
from notifier.schema import contact, delivery, notice
from notifier.sites import site_lookup
from store.clock import now_micros
from store.engine import Database
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import CONTRACT, PLACES, content, plan, vault

LETTERS = Letters(vault(), Renderer(), guests=EVERYBODY)


def claim(conn: Connection, channel: str = "email", **changes: Any) -> Claim:
    planned = plan(conn, channel, state="queued", **changes)
    now = now_micros()
    (held,) = attempts.claim(conn, [Message(planned, 0, "t")], now=now, lease_until=now + 9)
    assert held is not None
    return held


def read(conn: Connection, held: Claim, letters: Letters = LETTERS) -> Draft | Ready | Withheld:
    return letters.read(conn, held, letters.look_up(conn, [held]))


@pytest.mark.parametrize("channel", ["email", "sms", "push"])
def test_a_letter_is_rendered_for_its_channel_and_its_place(
    sqlite_database: Database, channel: str
) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn, channel)
        draft = read(conn, held)
    assert isinstance(draft, Draft)
    letter = LETTERS.write(held, draft)
    assert draft.destination == PLACES[channel]
    assert draft.thread == f"{CONTRACT}.7"
    assert letter.delivery_id == held.delivery_id
    assert letter.text
    assert (letter.html is not None) == (channel == "email")


def test_the_same_delivery_reads_the_same_each_time(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn)
        drafts = [read(conn, held) for _ in range(2)]
    first, second = (LETTERS.write(held, each) for each in drafts if isinstance(each, Draft))
    assert first == second


@pytest.mark.parametrize("channel", ["email", "sms", "push"])
def test_a_mail_that_may_have_arrived_says_so(sqlite_database: Database, channel: str) -> None:
    """A device folds repeats by their id, and an SMS leaves again by a person's hand alone."""
    texts = []
    with sqlite_database.begin() as conn:
        held = claim(conn, channel)
        for flagged in (False, True):
            conn.execute(update(delivery).values(possible_duplicate=flagged))
            draft = read(conn, held)
            assert isinstance(draft, Draft)
            texts.append(LETTERS.write(held, draft).text)
    once, again = texts
    assert ("had this message before" in again) == (channel == "email")
    assert again.endswith(once)


def test_letters_about_a_whole_contract_share_a_thread(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn)
        conn.execute(update(notice).values(stream_id=None))
        draft = read(conn, held)
    assert isinstance(draft, Draft)
    assert draft.thread == f"{CONTRACT}.contract"


def test_erased_words_make_no_letter(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn)
        conn.execute(update(notice).values(content=None))
        assert read(conn, held) == ERASED


def test_a_place_on_the_suppression_list_gets_no_letter(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn, "sms")
        lookup = vault().destination_lookup("sms", PLACES["sms"])
        suppression.put(conn, "email", lookup, "stop", source="test", at=1)
        assert isinstance(read(conn, held), Draft)
        suppression.put(conn, "sms", lookup, "stop", source="test", at=1)
        assert read(conn, held) == Withheld("suppressed", "stop")
        suppression.lift(conn, "sms", lookup, "stop", source="test", at=2)
        assert isinstance(read(conn, held), Draft)


def test_a_contact_that_is_gone_is_a_rejected_destination(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn)
        nowhere = claim(conn, contact_id=None)
        conn.execute(delete(contact))
        with pytest.raises(DestinationRejected):
            read(conn, held)
        with pytest.raises(DestinationRejected):
            read(conn, nowhere)


def test_the_site_of_an_older_contact_is_filled_in_once(sqlite_database: Database) -> None:
    site = site_lookup(vault(), "email", PLACES["email"])
    with sqlite_database.begin() as conn:
        held = claim(conn)
        conn.execute(update(contact).values(site_lookup=None))
        first, again = (read(conn, held) for _ in range(2))
        kept = conn.execute(select(contact.c.site_lookup)).scalar_one()
    assert isinstance(first, Draft)
    assert first.site == site == kept
    assert first == again


def test_a_telephone_number_is_at_no_site(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        held = claim(conn, "sms")
        draft = read(conn, held)
    assert isinstance(draft, Draft)
    assert draft.site == ""


@pytest.mark.parametrize("channel", ["email", "sms", "push"])
def test_a_mail_leads_to_the_page_that_knows_whether_it_was_seen(
    sqlite_database: Database, channel: str
) -> None:
    letters = Letters(vault(), Renderer(), guests=EVERYBODY, public_url="https://pay.example/wire")
    place = f"https://pay.example/wire/streams/{CONTRACT}/7"
    with sqlite_database.begin() as conn:
        held = claim(conn, channel)
        conn.execute(update(notice).values(content=encode_content(content(link=place))))
        draft = read(conn, held, letters)
    assert isinstance(draft, Draft)
    first, second = letters.write(held, draft), letters.write(held, draft)
    assert first == second
    link = told_links.link_for(
        vault(), held.delivery_id, held.planned_at, "https://pay.example/wire"
    )
    assert (link in first.text) == (f'href="{link}"' in str(first.html)) == (channel == "email")
    assert place not in first.text + str(first.html)
