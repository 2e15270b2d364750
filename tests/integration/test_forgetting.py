"""What tells of people goes when its time is over, and what proofs are made of stays, on both databases."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, update

from api.access_log import Access, access_log, note
from cli.keeping import kept, told
from config.keep_settings import KeepSettings
from config.settings import Settings
from notifier.changes import change
from notifier.old_attempts import OldDetails
from notifier.schema import attempt, callback, delivery, notice
from store import forgetting
from store.clock import now_micros
from store.engine import Database
from store.forgetting import Forgetter
from tests.fakes.planned import plan, plan_many

DAY = 86_400_000_000
NOW = now_micros()
SETTINGS = Settings(
    keep=KeepSettings(
        access_log_days=10, changes_days=20, attempt_details_days=30, dead_callbacks_days=40
    )
)


def swept(database: Database, settings: Settings = SETTINGS) -> int:
    """Forget until nothing is left; how many steps it took."""
    forgetter, steps = Forgetter(database, kept(settings), clock=lambda: NOW), 0
    while forgetter.step():
        steps += 1
    return steps


def count(database: Database, table: Any) -> int:
    with database.read() as conn:
        return conn.scalar(select(func.count()).select_from(table)) or 0


def accessed(database: Database, *days_ago: float) -> None:
    with database.begin() as conn:
        for days in days_ago:
            note(conn, NOW - int(days * DAY), Access("signed_in", "s1", None, "192.0.2.1"))


def tried(database: Database, delivery_id: UUID, **more: Any) -> None:
    row = {
        "delivery_id": delivery_id,
        "n": 1,
        "provider": "smtp",
        "phase": "sending",
        "result": "accepted",
        "status_code": 550,
        "detail": "for ana@example.test",
        "started_at": NOW,
        "worker": "w",
    }
    with database.begin() as conn:
        conn.execute(insert(attempt).values(**row | more))


def planned(database: Database, state: str, days_ago: float) -> UUID:
    with database.begin() as conn:
        made = plan(conn, destination=f"{uuid4().hex}@example.test")
        conn.execute(
            update(delivery)
            .where(delivery.c.delivery_id == made)
            .values(state=state, planned_at=NOW - int(days_ago * DAY))
        )
    tried(database, made)
    return made


def words(database: Database) -> dict[UUID, str | None]:
    with database.read() as conn:
        rows = conn.execute(select(attempt.c.delivery_id, attempt.c.detail)).all()
    return {row.delivery_id: row.detail for row in rows}


def test_the_access_log_and_the_history_of_wishes_go_by_their_age(database):
    accessed(database, 0, 9.9, 10.1, 400)
    with database.begin() as conn:
        for days in (19, 21):
            conn.execute(
                insert(change).values(
                    change_id=uuid4(),
                    recipient_id="r",
                    at=NOW - days * DAY,
                    author="page",
                    what="preferences",
                )
            )
    swept(database)
    assert count(database, access_log) == 2
    assert count(database, change) == 1


def test_nothing_is_forgotten_where_it_is_kept_for_ever(database):
    accessed(database, 40_000)
    planned(database, "accepted", 40_000)
    keep = KeepSettings(
        access_log_days=0, changes_days=0, attempt_details_days=0, dead_callbacks_days=0
    )
    assert swept(database, Settings(keep=keep)) == 0
    assert count(database, access_log) == 1
    assert "ana@" in str(words(database))


def test_a_little_goes_at_a_time(database, monkeypatch):
    monkeypatch.setattr(forgetting, "MOST_ROWS", 3)
    accessed(database, *[11] * 8)
    assert swept(database) == 3
    assert count(database, access_log) == 0


def test_what_was_said_of_a_try_goes_and_how_it_ended_stays(database):
    old, young = planned(database, "accepted", 31), planned(database, "accepted", 29)
    swept(database)
    said = words(database)
    assert said[old] is None
    assert "ana@" in str(said[young])
    with database.read() as conn:
        row = conn.execute(select(attempt).where(attempt.c.delivery_id == old)).one()
    assert (row.result, row.status_code, row.provider) == ("accepted", 550, "smtp")
    assert count(database, notice) == count(database, delivery) == 2


@pytest.mark.parametrize("state", ["unknown", "handed_off", "retry_wait", "pending"])
def test_what_has_no_known_end_keeps_its_words_until_it_has_one(database, state):
    made = planned(database, state, 31)
    walk = OldDetails(walks_between=1)
    before = NOW - 30 * DAY
    while walk.forget(database, before):
        pass
    assert words(database)[made] is not None
    with database.begin() as conn:
        conn.execute(update(delivery).values(state="failed"))
    while walk.forget(database, before):
        pass
    assert words(database)[made] is None


def test_a_long_walk_over_old_deliveries_misses_none(database, monkeypatch):
    monkeypatch.setattr("notifier.old_attempts.MOST_ROWS", 4)
    with database.begin() as conn:
        made = plan_many(conn, [f"p{n}@example.test" for n in range(11)])
        conn.execute(update(delivery).values(state="accepted", planned_at=NOW - 50 * DAY))
    for each in made:
        tried(database, each)
    swept(database)
    assert set(words(database).values()) == {None}


def test_dead_callbacks_go_and_waiting_ones_stay(database):
    with database.begin() as conn:
        for state in ("dead", "waiting"):
            conn.execute(
                insert(callback).values(
                    callback_id=uuid4(),
                    provider="twilio",
                    kind="delivered",
                    payload=b"sealed",
                    state=state,
                    tries=3,
                    due_at=NOW - 41 * DAY,
                    received_at=NOW - 41 * DAY,
                )
            )
    swept(database)
    with database.read() as conn:
        assert conn.scalars(select(callback.c.state)).all() == ["waiting"]


def test_an_operator_is_told_what_is_kept_how_long():
    said = told(Settings(keep=KeepSettings(changes_days=0)))
    assert "access log 365 days" in said
    assert "changes for ever" in said
    assert "callbacks 30 days" in said
    assert "who read what 365 days" in said
