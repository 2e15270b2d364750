"""A backtest tells what planning tells, on both databases, and cannot write, so it cannot send."""

import ast

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from domain.facts import ContractPauseSet
from notifier import backtest
from notifier.backtest import simulate
from notifier.contact_file import ContactLine
from notifier.recipients import Roster
from notifier.schema import delivery, notice
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError
from tests.fakes.chain import EMPLOYEE, EMPLOYER, cancelled, created, paused, place, resumed
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
    with world.database.read() as conn:
        given = FOREVER if freshness is None else freshness
        return list(simulate(conn, Roster(world.vault), since=since, freshness_seconds=given))


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
