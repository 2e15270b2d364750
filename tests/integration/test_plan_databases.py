"""Planning on both databases, by several processes at once, beside an erasure."""

import threading

import pytest
from sqlalchemy import func, select

from domain import facts
from notifier import fanout
from notifier.contact_file import ContactLine
from notifier.erasure import erase
from notifier.inbox import InboxPlace, inbox_page, mark_read
from notifier.plan import Planner
from notifier.recipients import Roster, recipient_of
from notifier.schema import delivery, notice, plan_parked
from store import log
from store.engine import Database
from store.errors import TrackingConflict
from tests.fakes.chain import (
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    contract_pause,
    created,
    paused,
    place,
    resumed,
    transferred,
)
from tests.fakes.planning import World


def play(world: World) -> None:
    """On time, late, contract-wide, by a job, and one that no database can hold."""
    world.register(
        ContactLine(EMPLOYEE, "ana@example.org", "+15550100123", "ntfy:ana"),
        ContactLine(EMPLOYER, "boss@example.org"),
    )
    world.record(created(1), created(1, 1, stream_id=2**64 - 1, employee=OTHER))
    world.record(paused(5), contract_pause(6), transferred(20, to=EMPLOYEE))
    world.plan()
    world.record(resumed(7))
    world.record(paused(8), job="job-1")
    world.record(cancelled(30, stream_id=2**64 - 1))
    world.record(
        facts.StreamPaused(
            **(place(40) | {"closed_at": 2**63}), stream_id=8, employer=OTHER, employee=OTHER
        )
    )
    world.fill("job-1")
    world.plan()


def test_what_is_told_is_the_same_on_both_databases(database: Database) -> None:
    world = World(database)
    play(world)
    assert sorted((told.kind, told.account, told.late) for told in world.told()) == sorted(
        [
            ("paused", EMPLOYEE, False),
            ("paused", EMPLOYER, False),
            ("contract_paused", EMPLOYEE, False),
            ("contract_paused", EMPLOYER, False),
            ("contract_paused", OTHER, False),
            ("resumed", EMPLOYEE, True),
            ("resumed", EMPLOYER, True),
            ("paused", EMPLOYEE, True),
            ("paused", EMPLOYER, True),
            ("cancelled", EMPLOYEE, False),
            ("cancelled", EMPLOYER, False),
        ]
    )
    assert len(world.rows(select(plan_parked))) == 1
    assert ("email", "cancelled", "superseded") in world.deliveries()


def test_two_planners_at_once_tell_everything_once(database: Database) -> None:
    world = World(database, chunk_events=7)
    for ledger in range(2, 60, 2):
        world.record(paused(ledger), resumed(ledger + 1))
    world.record(contract_pause(100))
    others = [World(database, chunk_events=5) for _ in range(2)]

    def work(one: World) -> None:
        idle = 0
        while idle < 3:
            try:
                worked = one.follower.step() + one.backlog.step()
            except TrackingConflict:
                worked = 1
            idle = 0 if worked else idle + 1

    threads = [threading.Thread(target=work, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    told = world.told()
    assert len(told) == len(set(told)) == (58 + 1) * 2
    counted = world.rows(select(func.count()).select_from(delivery))
    assert counted[0][0] == len(told)
    assert len(world.facts()) == len(told)


def test_the_inbox_pages_and_marks(database: Database) -> None:
    world = World(database)
    play(world)
    (me,) = world.rows(recipient_of(world.vault, EMPLOYEE))
    walked, after = [], None
    while rows := world.rows(inbox_page(me[0], limit=2, after=after)):
        walked += [row.notice_id for row in rows]
        after = InboxPlace(rows[-1].planned_at, rows[-1].notice_id)
    assert walked == [row.notice_id for row in world.rows(inbox_page(me[0], limit=50))]
    assert len(walked) == 5
    with database.begin() as conn:
        assert mark_read(conn, me[0], walked[:3], 100) == 3


@pytest.mark.postgres
def test_a_contract_that_goes_on_is_not_told_before_all_know_that_it_stood(
    postgres_url: str,
) -> None:
    database = Database.open(postgres_url)
    world = World(database)
    world.record(created(1), contract_pause(2), contract_pause(3, value=False))
    while world.follower.step():
        pass
    with database.begin() as conn:
        assert fanout.take_step(conn, world.writer, 1)
        with database.begin() as elsewhere:
            assert not fanout.take_step(elsewhere, world.writer, 1)
    world.plan()
    told = [each.kind for each in world.told() if each.account == EMPLOYEE]
    assert told == ["contract_paused", "contract_resumed"]
    database.close()


@pytest.mark.postgres
def test_an_erasure_waits_for_a_planning_under_way(postgres_url: str) -> None:
    """Otherwise words would be written for somebody who was just forgotten."""
    database = Database.open(postgres_url)
    world = World(database)
    world.record(paused(2))
    with database.begin() as conn:
        Roster(world.vault).meet(conn, [EMPLOYEE], 1)
    began, erased = threading.Event(), threading.Event()

    def forget() -> None:
        began.wait(10)
        with database.begin() as conn:
            erase(conn, world.vault, EMPLOYEE, 5)
        erased.set()

    thread = threading.Thread(target=forget)
    thread.start()
    with database.read() as conn:
        chunk = log.read_after(conn, 0, 10)
    with database.begin() as conn:
        Planner(world.writer, database.bell).apply(conn, chunk)
        began.set()
        assert not erased.wait(0.3)
    thread.join(10)
    assert erased.is_set()
    rows = world.rows(select(notice.c.content, notice.c.recipient_id))
    assert sorted(row.content is None for row in rows) == [False, True]
    database.close()
