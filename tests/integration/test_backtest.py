"""A backtest tells what planning tells, on both databases, and cannot write, so it cannot send."""

import ast
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from domain.facts import ContractPauseSet
from notifier import backtest
from notifier.backtest import Rules, WouldTell, simulate
from notifier.contact_file import ContactLine
from notifier.guests import NOT_A_GUEST, GuestList
from notifier.preferences import DAILY
from notifier.recipients import Roster
from notifier.schema import contact, delivery, notice, recipient, suppression
from notifier.ways import OVER, Ways
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError
from tests.fakes.chain import EMPLOYEE, EMPLOYER, cancelled, created, paused, place, resumed
from tests.fakes.guests import EVERYBODY
from tests.fakes.planning import FOREVER, World
from tests.house.repository import ROOT

FIRST_COLUMN = {
    "recipient": "private",
    "delivery": "reason",
    "switch": "reason",
    "recorded_event": "recorded_at",
}


def world_of(database: Database) -> World:
    world = World(database)
    world.register(
        ContactLine(EMPLOYEE, email="ana@example.org", phone="+15550100123", push="ntfy:ana")
    )
    world.record(created(1), paused(2), resumed(3), created(4, 1, stream_id=8))
    world.record(paused(5, stream_id=8), cancelled(6, stream_id=8))
    world.record(ContractPauseSet(**place(7), paused=True))
    return world


def would(world: World, *, since: int = 0, freshness: dict[str, int] | None = None):
    rules = Rules(freshness=FOREVER if freshness is None else freshness, guests=EVERYBODY)
    return by_rules(world, rules, since=since)


def by_rules(world: World, rules: Rules, *, since: int = 0) -> list[WouldTell]:
    with world.database.read() as conn:
        return list(simulate(conn, Roster(world.vault), rules, since=since))


def test_it_tells_what_planning_tells_then(database: Database) -> None:
    world = world_of(database)
    found = would(world)
    with database.read() as conn:
        assert conn.execute(select(notice)).all() == []
    world.plan()
    told = [(each.kind, each.account, each.cause) for each in world.told()]
    assert sorted((each.kind, each.account_id, each.cause) for each in found) == sorted(told)
    sent = sorted(channel for each in found for channel in each.channels)
    planned = [row.channel for row in world.rows(select(delivery)) if row.channel != "in_app"]
    assert sent == sorted(planned)
    assert {each.account_id for each in found if each.channels} == {EMPLOYEE}


def test_only_what_was_recorded_since_then_counts(database: Database) -> None:
    world = world_of(database)
    after = now_micros() + 1
    assert would(world, since=after) == []
    world.record(resumed(9), paused(10))
    assert {each.kind for each in would(world, since=after - 1)} <= {"resumed", "paused"}


def test_what_is_too_old_or_suppressed_is_withheld_with_the_reason(database: Database) -> None:
    found = would(world_of(database), freshness={"email": 1, "sms": 10**12})
    for each in found:
        if each.account_id == EMPLOYEE:
            assert (each.channels, each.withheld) == (("sms",), {"email": "stale"})
        else:
            assert (each.account_id, each.channels, each.withheld) == (EMPLOYER, (), {})


class Hand:
    """A clock that stands until it is set."""

    now = int(datetime(2026, 3, 28, 22, 30, tzinfo=UTC).timestamp()) * 1_000_000

    def __call__(self) -> int:
        return self.now


STEPS = Ways(steps={"email": 900, "sms": 7_200})
EVERYWHERE = {"email": "ana@example.org", "phone": "+15550100123", "push": "ntfy:ana"}
WISHES: list[dict[str, str]] = [
    {},
    {"off": "paused:email resumed:sms contract_paused:push"},
    {"pauses_only": "yes"},
    {"quiet_hours": "22:00-07:00", "time_zone": "Europe/Berlin"},
    {"quiet_hours": "22:00-07:00", "time_zone": "Europe/Berlin", "urgent_pauses": "yes"},
    {"digest": "email reminder:sms", "time_zone": "Europe/Berlin", "digest_at": "03:15"},
    {"digest": "email push", "urgent_pauses": "yes"},
    {"digest": "push email", "one_by_one": "yes"},
    {"one_by_one": "yes"},
    {"one_by_one": "yes", "order": "sms email", "quiet_hours": "22:00-07:00"},
    {"one_by_one": "yes", "order": "email push", "off": "paused:email", "pauses_only": "yes"},
]


@pytest.mark.parametrize("wishes", WISHES, ids=lambda each: " ".join(each) or "none")
def test_people_with_wishes_are_told_what_planning_plans(
    database: Database, wishes: dict[str, str]
) -> None:
    hand = Hand()
    world = World(database, ways=STEPS, clock=hand, recording=hand)
    world.register(ContactLine(EMPLOYEE, **EVERYWHERE, **wishes))
    world.register(ContactLine(EMPLOYER, email="boss@example.org"))
    record_and_plan(world, hand)
    found = by_rules(world, Rules(freshness=FOREVER, guests=EVERYBODY, ways=STEPS))
    assert as_told(found) == as_planned(world)


def test_unverified_and_suppressed_places_are_told_what_planning_plans(database: Database) -> None:
    hand = Hand()
    world = World(database, ways=STEPS, clock=hand, recording=hand)
    world.register(ContactLine(EMPLOYEE, **EVERYWHERE, one_by_one="yes"))
    with database.begin() as conn:
        conn.execute(contact.update().where(contact.c.channel == "push").values(verified_at=None))
        place = select(contact.c.destination_lookup).where(contact.c.channel == "email")
        lookup = conn.scalars(place).one()
        conn.execute(
            suppression.insert().values(
                channel="email",
                destination_lookup=lookup,
                reason="bounced",
                source="test",
                changed_at=1,
            )
        )
    record_and_plan(world, hand)
    found = by_rules(world, Rules(freshness=FOREVER, guests=EVERYBODY, ways=STEPS))
    assert as_told(found) == as_planned(world)
    assert {each.channels for each in found if each.account_id == EMPLOYEE} == {("sms",)}
    assert {why for each in found for why in each.withheld.values()} == {"bounced"}


def test_who_is_no_guest_is_not_written_to(database: Database) -> None:
    world = world_of(database)
    guests = GuestList(everybody=False, network="Test", places=frozenset({"+15550100123"}))
    found = by_rules(world, Rules(freshness=FOREVER, guests=guests))
    mine = [each for each in found if each.account_id == EMPLOYEE]
    assert {each.channels for each in mine} == {("sms",)}
    refused = {"email": NOT_A_GUEST, "push": NOT_A_GUEST}
    assert all(each.withheld == refused for each in mine)


def record_and_plan(world: World, hand: Hand) -> None:
    """An hour and a half between events, so that some come within the quiet hours and some do not."""
    for fact in (
        created(1),
        paused(2),
        resumed(3),
        paused(4),
        cancelled(5),
        ContractPauseSet(**place(6), paused=True),
    ):
        world.record(fact)
        world.plan()
        hand.now += 5_400_000_000


def as_told(found: list[WouldTell]) -> list[tuple[object, ...]]:
    """Each delivery beside the inbox: whose, what of, where, when, and why not."""
    rows: list[tuple[object, ...]] = []
    for each in found:
        of = (each.account_id, each.kind, each.cause)
        rows += [(*of, name, each.held_until.get(name, each.at), None) for name in each.channels]
        rows += [(*of, name, at, None) for name, at in each.unless_seen.items()]
        rows += [(*of, name, None, why) for name, why in each.withheld.items()]
    return sorted(rows, key=str)


def as_planned(world: World) -> list[tuple[object, ...]]:
    """The same of the rows that planning has written."""
    query = (
        select(delivery, notice.c.kind, notice.c.cause_event_id, notice.c.recipient_id)
        .join_from(delivery, notice, notice.c.notice_id == delivery.c.notice_id)
        .where(delivery.c.channel != "in_app")
    )
    roster = {row.recipient_id: row for row in world.rows(select(recipient))}
    rows: list[tuple[object, ...]] = []
    for row in world.rows(query):
        whose = world.account(roster[row.recipient_id])
        # What a later event ended, or a digest waits for, was planned all the same.
        why = None if row.reason in (OVER, DAILY) else row.reason
        at = row.available_at if why is None else None
        rows.append((whose, row.kind, row.cause_event_id, row.channel, at, why))
    return sorted(rows, key=str)


def test_its_connection_refuses_every_write(database: Database) -> None:
    world_of(database)
    for table in ("recipient", "delivery", "switch", "recorded_event"):
        with pytest.raises((SQLAlchemyError, StoreError)):
            write_where_it_reads(database, table)


def write_where_it_reads(database: Database, table: str) -> None:
    with database.read() as conn:
        conn.execute(text(f"UPDATE {table} SET {FIRST_COLUMN[table]} = NULL"))


def test_it_knows_no_channel_broker_or_writer() -> None:
    tree = ast.parse((ROOT / "notifier/backtest.py").read_text())
    imported = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    forbidden = ("channels", "broker", "relay", "worker", "deliver", "notices", "plan", "attempts")
    assert not {f"notifier.{name}" for name in forbidden} & imported
    assert not any(name.startswith("notifier.channels") for name in imported)
    assert backtest.__doc__
