"""The inbox and erasure: what a person finds, marks, and can have forgotten."""

import pytest
from sqlalchemy import insert, select

from domain.notice import NoticeRead
from notifier import inbox
from notifier.contact_file import ContactLine
from notifier.erasure import erase
from notifier.inbox import InboxPlace, inbox_page, mark_read, unread_count
from notifier.recipients import recipient_of
from notifier.rendering import Renderer
from notifier.schema import attempt, contact, delivery, notice, recipient
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER, created, paused, resumed
from tests.fakes.planning import World


@pytest.fixture
def world(sqlite_database: Database) -> World:
    world = World(sqlite_database)
    world.register(ContactLine(EMPLOYEE, "ana@example.org"))
    world.record(
        created(1), *(made for n in range(2, 8, 2) for made in (paused(n), resumed(n + 1)))
    )
    world.plan()
    return world


def whose(world: World, account: str = EMPLOYEE) -> str:
    (row,) = world.rows(recipient_of(world.vault, account))
    return str(row.recipient_id)


def test_walking_by_one_finds_what_one_page_holds(world: World) -> None:
    me = whose(world)
    whole = world.rows(inbox_page(me, limit=50))
    walked, place = [], None
    while rows := world.rows(inbox_page(me, limit=1, after=place)):
        walked += rows
        place = InboxPlace(rows[0].planned_at, rows[0].notice_id)
    assert len(whole) == 6
    assert walked == whole


def test_newest_comes_first(world: World) -> None:
    world.record(paused(20))
    world.plan()
    newest = world.rows(inbox_page(whose(world), limit=1))
    assert inbox.item(newest[0], Renderer()).cause_event_id == paused(20).event_id


def test_an_item_reads_in_words(world: World) -> None:
    row = world.rows(inbox_page(whose(world), limit=50))[0]
    shown = inbox.item(row, Renderer())
    assert shown.subject.startswith("Your pay stream 7 was")
    assert shown.stream_id == 7
    assert shown.link == f"https://pay.example/streams/{shown.contract_id}/7"


def test_reading_marks_once_and_is_told_to_the_log(world: World) -> None:
    me = whose(world)
    ids = [row.notice_id for row in world.rows(inbox_page(me, limit=2))]
    with world.database.begin() as conn:
        assert mark_read(conn, me, ids, 100) == 2
        assert mark_read(conn, me, ids, 200) == 0
        assert conn.scalar(unread_count(me)) == 4
    assert {row.read_at for row in world.rows(select(notice)) if row.notice_id in ids} == {100}
    read = [fact for fact in world.facts() if isinstance(fact, NoticeRead)]
    assert sorted(fact.originator_id for fact in read) == sorted(ids)
    assert len(world.rows(inbox_page(me, limit=50, unread_only=True))) == 4


def test_all_can_be_marked_at_once(world: World) -> None:
    with world.database.begin() as conn:
        assert mark_read(conn, whose(world), None, 100) == 6
        assert conn.scalar(unread_count(whose(world, EMPLOYER))) == 6


def test_somebody_elses_notices_cannot_be_marked(world: World) -> None:
    ids = [row.notice_id for row in world.rows(inbox_page(whose(world), limit=50))]
    with world.database.begin() as conn:
        assert mark_read(conn, whose(world, EMPLOYER), ids, 100) == 0


def test_erasing_destroys_words_contacts_and_key_and_keeps_the_rows(world: World) -> None:
    me = whose(world)
    before = [row.notice_id for row in world.rows(select(notice))]
    with world.database.begin() as conn:
        assert erase(conn, world.vault, EMPLOYEE, 500).fresh
        assert not erase(conn, world.vault, EMPLOYEE, 600).fresh
    (row,) = world.rows(select(recipient).where(recipient.c.recipient_id == me))
    assert (row.wrapped_key, row.private, row.erased_at) == (None, None, 500)
    assert world.rows(select(contact)) == []
    assert world.rows(inbox_page(me, limit=50)) == []
    assert len(world.rows(inbox_page(whose(world, EMPLOYER), limit=50))) == 6
    assert [row.notice_id for row in world.rows(select(notice))] == before
    states = {row.state for row in world.rows(select(delivery)) if row.channel == "email"}
    assert states == {"cancelled"}


def test_erasing_removes_what_providers_answered_about_a_person(world: World) -> None:
    (mine, *_), (other, *_) = (
        world.rows(
            select(delivery.c.delivery_id)
            .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
            .where(notice.c.recipient_id == whose(world, account))
        )
        for account in (EMPLOYEE, EMPLOYER)
    )
    tried = {"n": 1, "provider": "smtp", "phase": "sending", "started_at": 1, "worker": "w"}
    with world.database.begin() as conn:
        for row in (mine, other):
            conn.execute(
                insert(attempt).values(delivery_id=row.delivery_id, detail="ana is full", **tried)
            )
        erase(conn, world.vault, EMPLOYEE, 500)
    details = {row.delivery_id: row.detail for row in world.rows(select(attempt))}
    assert details == {mine.delivery_id: None, other.delivery_id: "ana is full"}


def test_an_erased_person_is_told_nothing_more(world: World) -> None:
    with world.database.begin() as conn:
        erase(conn, world.vault, EMPLOYEE, 500)
    count = len(world.rows(select(notice)))
    world.record(paused(30))
    world.plan()
    assert len(world.rows(select(notice))) == count + 1  # the employer's


def test_an_account_never_met_can_be_erased_beforehand(world: World) -> None:
    with world.database.begin() as conn:
        assert erase(conn, world.vault, OTHER, 500).fresh
    world.record(created(40, stream_id=9, employee=OTHER), paused(41, stream_id=9, employee=OTHER))
    world.plan()
    theirs = world.rows(inbox_page(whose(world, OTHER), limit=50))
    assert theirs == []
