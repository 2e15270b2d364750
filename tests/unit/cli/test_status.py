"""How everything stands: what failed is named, and makes the exit code 1."""

import time
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from domain.contract import GapOpened, RangeFilled
from domain.values import contract_uuid
from ingest.contract_guard import contract_fault
from notifier import switch
from notifier.canary import canary_minute
from notifier.schema import plan_parked, provider_health
from projections.follow import projections_follower
from simulator.accounts import contract_id_for
from store import log
from store.clock import now_micros
from store.schema import (
    evidence_conflict,
    evidence_outcome,
    lease,
    ledger_close,
    notice_fact_outbox,
    scanned_range,
)
from tests.fakes.chain import CONTRACT, created, event_id, paused
from tests.fakes.planned import plan
from tests.fakes.planning import NETWORK
from tests.fakes.served import Served

LEDGER = 100
SECOND = 1_000_000


@pytest.fixture
def served(sqlite_database):
    """A deployment that is well: an active indexer, followed to the newest ledger, nothing waiting."""
    world = Served(sqlite_database)
    world.tell(created(1), paused(2))
    now = now_micros()
    write(world, scanned_range, contract_id=CONTRACT, from_ledger=1, to_ledger=LEDGER)
    write(world, ledger_close, ledger=LEDGER, closed_at=now // SECOND)
    write(world, lease, name="index", holder="host:1", epoch=3, expires_at=now + 60 * SECOND)
    with sqlite_database.begin() as conn:
        conn.execute(notice_fact_outbox.delete())
    return world


def write(world, table, **row):
    with world.database.begin() as conn:
        conn.execute(insert(table), row)


def judge(world, n, outcome):
    write(
        world, evidence_outcome, event_id=event_id(9), n=n, outcome=outcome, reason="", profile=""
    )


def open_gap(world):
    event = GapOpened(contract_uuid(NETWORK, CONTRACT), 1, CONTRACT, 40, 50, 1)
    with world.database.begin() as conn:
        log.append(conn, [event], recorded_at=now_micros())
    world.follow()


def conflict(world):
    write(
        world,
        evidence_conflict,
        event_id=event_id(1),
        sha256=b"2",
        bytes=b"",
        seen_at=1,
        source="b",
    )


def trip_breaker(world):
    write(
        world,
        provider_health,
        provider="smtp",
        state="open",
        failures=9,
        reason="421 too busy",
        next_try_at=1,
        changed_at=1,
    )


def lose_leader(world):
    with world.database.begin() as conn:
        conn.execute(update(lease).values(expires_at=now_micros() - 1))


def send_without_answer(world):
    with world.database.begin() as conn:
        plan(conn, state="unknown")


def fall_behind(world):
    with world.database.begin() as conn:
        conn.execute(update(ledger_close).values(closed_at=int(time.time()) - 3600))


def stop_planning(world):
    """An event of two minutes ago is in the read models; of it nobody was told."""
    event = RangeFilled(contract_uuid(NETWORK, CONTRACT), 1, "job", CONTRACT, 1, 2)
    with world.database.begin() as conn:
        log.append(conn, [event], recorded_at=now_micros() - 120 * SECOND)
    follower = projections_follower(world.database)
    while follower.step():
        pass


def wait_for_a_canary(world, *, minutes=1):
    then = now_micros() - minutes * 60 * SECOND
    times = {"minute": then // (60 * SECOND), "planned_at": then}
    times |= {"closed_at": then // SECOND, "delivery_id": UUID(int=1)}
    write(world, canary_minute, **times)


def send_no_canary_for_a_day(world):
    wait_for_a_canary(world, minutes=24 * 60)


FAILURES = [
    (open_gap, f"gap open: {CONTRACT} ledgers 40-50"),
    (fall_behind, "ledgers behind, 24 are allowed"),
    (lose_leader, "no indexer is active"),
    (trip_breaker, "breaker of smtp is open: 421 too busy"),
    (conflict, "1 evidence conflicts"),
    (lambda world: judge(world, 1, "quarantined"), "1 quarantined"),
    (
        lambda world: write(world, plan_parked, position=7, reason="?", parked_at=1),
        "1 plan parked",
    ),
    (stop_planning, "the follower plan is 1 events and 12"),
    (wait_for_a_canary, "s, 30 are promised: people are told late"),
    (send_no_canary_for_a_day, "the canary takes 864"),
    (send_without_answer, "1 deliveries of unknown outcome: `pausewire deliveries list`"),
]


def test_a_deployment_that_is_well_says_so(command, served):
    found = command.json("status")
    assert found["failed"] == []
    assert found["log"] == {
        "head_position": 2,
        "fresh_to_ledger": LEDGER,
        "completeness": "complete",
        "lag_ledgers": 0,
    }
    assert (found["leader"]["holder"], found["leader"]["epoch"]) == ("host:1", 3)
    assert found["followers"] == {"projections": 0, "plan": 0, "actors": 0}
    assert (found["sending"], found["breakers"]) == ("on", [])
    told = command.run("status").stdout
    assert told.startswith("all is well\n")
    assert "host:1" in told


@pytest.mark.parametrize(("harm", "name"), FAILURES)
def test_what_failed_is_named_and_fails_the_command(command, served, harm, name):
    harm(served)
    found = command.json("status", code=1)
    assert [name in failure for failure in found["failed"]] == [True]
    told = command.run("status", code=1).stdout
    assert told.startswith("FAILED  ")
    assert name in told
    assert "all is well" not in told


def test_a_canary_that_was_switched_off_is_not_late(command, served, monkeypatch):
    wait_for_a_canary(served)
    monkeypatch.setenv("PAUSEWIRE_CANARY__ENABLED", "false")
    found = command.json("status")
    assert (found["failed"], found["canary_latency_seconds"]) == ([], None)


def test_an_event_that_was_understood_later_is_no_alarm(command, served):
    judge(served, 1, "quarantined")
    judge(served, 2, "applied")
    assert command.json("status")["alarms"]["quarantined"] == 0


def test_a_breaker_that_closed_again_is_shown_but_no_failure(command, served):
    trip_breaker(served)
    with served.database.begin() as conn:
        conn.execute(update(provider_health).values(state="closed"))
    assert command.json("status")["breakers"][0]["state"] == "closed"


def test_what_waits_is_counted_and_aged(command, served):
    ten_seconds_ago = now_micros() - 10 * SECOND
    with served.database.begin() as conn:
        plan(conn, available_at=ten_seconds_ago)
        plan(conn, "sms", available_at=now_micros() + 3600 * SECOND)
        plan(conn, "push", state="accepted", available_at=0)
        switch.pause(conn, reason=None, now=1)
    row = {"notice_id": UUID(int=1), "topic": "t", "fact": b"", "created_at": 1}
    write(served, notice_fact_outbox, **row)
    served.world.record(paused(3))
    found = command.json("status")
    assert found["deliveries"]["by_state"]["pending"] >= 2
    assert 10 <= found["deliveries"]["oldest_due_seconds"] < 60
    assert found["deliveries"]["facts_waiting"] == 1
    assert found["followers"] == {"projections": 1, "plan": 1, "actors": 0}
    assert 0 <= found["follower_lag_seconds"]["plan"] < 60
    assert found["sending"] == "paused"


def test_a_new_deployment_has_not_scanned_anything(command):
    found = command.json("status", code=1)
    assert found["failed"] == ["lag: nothing was scanned yet", "no indexer is active"]
    assert "nothing was scanned yet" in command.run("status", code=1).stdout


def test_in_development_the_simulated_networks_contract_is_the_one_looked_at(
    command, served, monkeypatch
):
    monkeypatch.setenv("PAUSEWIRE_SIMULATOR__ENABLED", "true")
    monkeypatch.delenv("PAUSEWIRE_NETWORK__RPC_URLS")
    monkeypatch.delenv("PAUSEWIRE_NETWORK__CONTRACTS")
    assert "lag: nothing was scanned yet" in command.json("status", code=1)["failed"]
    simulated = contract_id_for(seed=1)
    write(served, scanned_range, contract_id=simulated, from_ledger=1, to_ledger=LEDGER)
    assert command.json("status")["log"]["fresh_to_ledger"] == LEDGER


def test_a_contract_that_is_not_what_its_profile_expects_is_named(command, served):
    row = {"check_name": "exists", "detail": "there is no such contract", "seen_at": 1}
    write(served, contract_fault, contract_id=CONTRACT, **row)
    write(served, contract_fault, contract_id="C-no-longer-followed", **row)
    failed = command.json("status", code=1)["failed"]
    assert failed == [f"{CONTRACT} exists: no. there is no such contract"]
