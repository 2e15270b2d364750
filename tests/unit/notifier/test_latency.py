"""Stages as seconds since ledger close."""

import pytest
from sqlalchemy import select, update

from notifier.latency import (
    STAGES,
    percentiles,
    promptness,
    stage_seconds,
    stage_times,
    summarise,
    summarise_steps,
)
from notifier.schema import delivery, notice
from store.engine import Database
from tests.fakes.planned import plan

CLOSED = 1_790_000_000


def at(seconds: float) -> int:
    return int((CLOSED + seconds) * 1_000_000)


def seed(database: Database) -> None:
    with database.begin() as conn:
        plan(
            conn,
            planned_at=at(3),
            queued_at=at(3.5),
            handed_off_at=at(4),
            accepted_at=at(4.25),
        )
        plan(conn, "sms", planned_at=at(3), state="pending")
        plan(conn, planned_at=at(3), delivered_at=at(3))
        last = select(delivery.c.delivery_id).where(delivery.c.delivered_at.is_not(None))
        conn.execute(
            update(delivery)
            .where(delivery.c.delivery_id.in_(last.scalar_subquery()))
            .values(channel="in_app")
        )
        conn.execute(
            update(notice).values(
                closed_at=CLOSED, observed_at=at(1), recorded_at=at(2), read_at=at(60)
            )
        )


def test_each_channel_tells_the_stages_it_has_passed(sqlite_database: Database) -> None:
    seed(sqlite_database)
    with sqlite_database.read() as conn:
        rows = conn.execute(stage_times(since=0)).all()
    passed = {row.channel: stage_seconds(row) for row in rows}
    assert passed == {
        "email": {
            "observed": 1.0,
            "recorded": 2.0,
            "planned": 3.0,
            "queued": 3.5,
            "handed_off": 4.0,
            "accepted": 4.25,
        },
        "sms": {"observed": 1.0, "recorded": 2.0, "planned": 3.0},
        "in_app": {
            "observed": 1.0,
            "recorded": 2.0,
            "planned": 3.0,
            "delivered": 3.0,
            "read": 60.0,
        },
    }


def test_the_summary_has_the_stages_in_their_order(sqlite_database: Database) -> None:
    seed(sqlite_database)
    with sqlite_database.read() as conn:
        summary = summarise(conn.execute(stage_times(since=0)))
    assert list(summary) == ["email", "in_app", "sms"]
    assert list(summary["email"]) == list(STAGES[:6])
    assert summary["email"]["accepted"] == {"p50": 4.25, "p95": 4.25, "p99": 4.25}


def test_only_deliveries_planned_since_then_count(sqlite_database: Database) -> None:
    seed(sqlite_database)
    with sqlite_database.read() as conn:
        assert conn.execute(stage_times(since=at(3) + 1)).all() == []
        assert len(conn.execute(stage_times(since=0, most=2)).all()) == 2
    assert summarise([]) == {}


@pytest.mark.parametrize(
    ("values", "figures"),
    [
        ([7.0], (7.0, 7.0, 7.0)),
        ([float(n) for n in range(100, 0, -1)], (50.0, 95.0, 99.0)),
        ([1.0, 2.0, 3.0], (2.0, 3.0, 3.0)),
    ],
)
def test_percentiles_are_figures_that_were_measured(
    values: list[float], figures: tuple[float, ...]
) -> None:
    assert tuple(percentiles(values).values()) == figures


def test_a_stage_of_its_own_takes_the_time_since_the_one_before(sqlite_database: Database) -> None:
    seed(sqlite_database)
    with sqlite_database.read() as conn:
        summary = summarise_steps(conn.execute(stage_times(since=0)))
    own = {stage: figures["p50"] for stage, figures in summary["email"].items()}
    assert own == {
        "observed": 1.0,
        "recorded": 1.0,
        "planned": 1.0,
        "queued": 0.5,
        "handed_off": 0.5,
        "accepted": 0.25,
    }


def test_a_channel_says_how_much_of_what_it_told_was_in_time(sqlite_database: Database) -> None:
    seed(sqlite_database)
    with sqlite_database.begin() as conn:
        plan(conn, "sms", planned_at=at(1), accepted_at=at(20), destination="+15550100002")
        plan(conn, "sms", planned_at=at(1), accepted_at=at(31), destination="+15550100003")
        plan(conn, "push", planned_at=at(1), accepted_at=at(99))
        conn.execute(update(notice).values(closed_at=CLOSED))
        late = select(delivery.c.notice_id).where(delivery.c.channel == "push")
        conn.execute(update(notice).where(notice.c.notice_id.in_(late)).values(late=True))
        found = promptness(conn.execute(stage_times(since=0)))
    assert found == {
        "email": {"told": 1, "within_10_seconds": 100, "within_30_seconds": 100},
        "in_app": {"told": 1, "within_10_seconds": 100, "within_30_seconds": 100},
        "sms": {"told": 2, "within_10_seconds": 0, "within_30_seconds": 50},
    }
