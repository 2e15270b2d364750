"""The parts of planning by themselves: which news, which places, what is remembered, what is parked."""

from uuid import UUID

import pytest
from sqlalchemy import select

from domain.chain_order import FactJudged
from domain.state import ACTIVE, CANCELLED, EXHAUSTED, PAUSED, UNKNOWN
from domain.stream import StreamState
from notifier import guard, news
from notifier.content import decode_content
from notifier.histories import Histories
from notifier.notices import NoticeWriter, PlanningRules
from notifier.places import Place, places_for
from notifier.recipients import Contact, Roster
from notifier.schema import notice, plan_parked
from store.engine import Database
from store.errors import SchemaBehind
from store.log import Recorded
from tests.fakes.chain import EMPLOYEE, contract_pause, created, paused, resumed, stored_pause
from tests.fakes.planning import NETWORK, World

EMAIL, SMS, PHONE, TABLET = (UUID(int=n) for n in range(1, 5))


@pytest.mark.parametrize(
    ("before", "after", "fact", "kind"),
    [
        (UNKNOWN, ACTIVE, created(1), None),
        (UNKNOWN, ACTIVE, resumed(1), "resumed"),
        (UNKNOWN, PAUSED, paused(1), "paused"),
        (UNKNOWN, CANCELLED, paused(1), "cancelled"),
        (ACTIVE, ACTIVE, created(1), None),
        (ACTIVE, PAUSED, paused(1), "paused"),
        (ACTIVE, CANCELLED, paused(1), "cancelled"),
        (ACTIVE, EXHAUSTED, paused(1), None),
        (EXHAUSTED, ACTIVE, created(1), None),
        (EXHAUSTED, PAUSED, paused(1), "paused"),
        (PAUSED, ACTIVE, resumed(1), "resumed"),
        (PAUSED, CANCELLED, paused(1), "cancelled_while_paused"),
        (PAUSED, EXHAUSTED, paused(1), None),
    ],
)
def test_the_kind_of_news_follows_from_the_change_of_status(
    before: str, after: str, fact: object, kind: str | None
) -> None:
    states = (StreamState(status=before), StreamState(status=after))
    assert news.stream_kind(*states, fact) == kind  # type: ignore[arg-type] # any fact


def test_a_notice_goes_to_one_place_a_channel_and_to_every_device() -> None:
    contacts = [
        Contact(EMAIL, "email"),
        Contact(SMS, "email"),
        Contact(PHONE, "push"),
        Contact(TABLET, "push"),
        Contact(SMS, "sms"),
    ]
    assert list(places_for("paused", contacts, ("email", "push"))) == [
        Place("email", "-", EMAIL),
        Place("push", str(PHONE), PHONE),
        Place("push", str(TABLET), TABLET),
    ]


def test_a_suppressed_place_stands_back_and_is_named_where_there_is_no_other() -> None:
    stopped = Contact(EMAIL, "email", "hard_bounce")
    other = Contact(SMS, "email")
    assert [each.contact_id for each in places_for("paused", [stopped, other], ("email",))] == [SMS]
    assert list(places_for("paused", [stopped], ("email",))) == [
        Place("email", "-", EMAIL, "hard_bounce")
    ]


@pytest.mark.parametrize("kind", ["revised", "correction"])
def test_notes_stay_in_the_inbox(kind: str) -> None:
    assert list(places_for(kind, [Contact(EMAIL, "email")], ("email",))) == []


def test_histories_forget_beyond_their_bound_and_read_the_log_again(
    sqlite_database: Database,
) -> None:
    world = World(sqlite_database)
    world.record(created(1), created(1, 1, stream_id=8))
    world.record(paused(2), paused(2, 1, stream_id=8))
    chunk = [
        Recorded(position, event, 0)
        for position, event in enumerate(
            (past[n] for n in range(2) for past in world.past.values()), start=1
        )
    ]
    histories = Histories(remembered=1)
    with sqlite_database.read() as conn:
        histories.load(conn, chunk[:2])
        for recorded in chunk[:2]:
            histories.step(recorded.event)
        histories.trim()
        histories.load(conn, chunk[2:])
        befores = [histories.step(recorded.event)[0].status for recorded in chunk[2:]]
    assert befores == [ACTIVE, ACTIVE]


def test_histories_pass_over_what_is_no_streams() -> None:
    event = FactJudged(UUID(int=1), 1, contract_pause(1), None, None, "applied")
    Histories().load(None, [Recorded(1, event, 0)])  # type: ignore[arg-type] # never asked


def test_without_a_public_address_a_notice_has_no_link(sqlite_database: Database) -> None:
    world = World(sqlite_database)
    rules = PlanningRules(network=NETWORK, freshness_seconds={})
    writer = NoticeWriter(Roster(world.vault), rules)
    told = news.News(
        "paused", "e", 1, 1, "C", 7, 5, audience=(news.Listener(EMPLOYEE, "employee"),)
    )
    with sqlite_database.begin() as conn:
        assert writer.write(conn, [told], 10) == 1
        assert writer.write(conn, [told], 11) == 0
        stored = conn.scalars(select(notice.c.content)).one()
    assert decode_content(stored).link is None


def test_an_event_without_known_parties_tells_nobody(sqlite_database: Database) -> None:
    world = World(sqlite_database)
    world.record(stored_pause(2))
    world.plan()
    assert world.told() == []


def test_what_fails_in_the_guard_is_undone_and_parked(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        with guard.contained(conn, 5, 9):
            Roster(World(sqlite_database).vault).meet(conn, [EMPLOYEE], 1)
            raise KeyError(EMPLOYEE)
        (row,) = conn.execute(select(plan_parked)).all()
        assert conn.exec_driver_sql("SELECT count(*) FROM recipient").scalar() == 0
    assert (row.position, row.parked_at) == (5, 9)
    assert row.reason.startswith("KeyError in test_plan_parts.py:")


def test_the_guard_lets_the_databases_own_faults_through(sqlite_database: Database) -> None:
    with (
        pytest.raises(SchemaBehind),
        sqlite_database.begin() as conn,
        guard.contained(conn, 5, 9),
    ):
        conn.exec_driver_sql("SELECT * FROM no_such_table")
