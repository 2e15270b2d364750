"""Notice facts: from the outbox to the log, once, in order, in batches."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select

from domain.notice import NoticeRead
from notifier import facts
from notifier.facts import FactsAppender, remember
from store import log
from store.engine import Database
from store.schema import notice_fact_outbox, notice_facts

ONE, TWO = UUID(int=1), UUID(int=2)


def read(notice_id: UUID, at: int) -> NoticeRead:
    return NoticeRead(originator_id=notice_id, originator_version=facts.NOT_YET, read_at=at)


def appender(database: Database) -> FactsAppender:
    return FactsAppender(database, poll_seconds=0.01)


def put(database: Database, *events: NoticeRead) -> None:
    with database.begin() as conn:
        remember(conn, events, 5)


def recorded(database: Database) -> list[tuple[UUID, int, int]]:
    with database.read() as conn:
        return [
            (each.event.originator_id, each.event.originator_version, each.event.read_at)
            for each in log.read_after(conn, 0, 10_000)
        ]


def waiting(database: Database) -> int:
    with database.read() as conn:
        return conn.scalar(select(func.count()).select_from(notice_fact_outbox)) or 0


def test_facts_get_their_versions_in_the_order_they_came(sqlite_database: Database) -> None:
    put(sqlite_database, read(ONE, 10), read(TWO, 20), read(ONE, 30))
    assert appender(sqlite_database).step() == 3
    put(sqlite_database, read(ONE, 40))
    assert appender(sqlite_database).step() == 1
    assert recorded(sqlite_database) == [(ONE, 1, 10), (TWO, 1, 20), (ONE, 2, 30), (ONE, 3, 40)]
    assert waiting(sqlite_database) == 0


def test_nothing_waiting_appends_nothing(sqlite_database: Database) -> None:
    assert appender(sqlite_database).step() == 0
    put(sqlite_database)
    assert recorded(sqlite_database) == []


def test_batches_are_bounded(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "BATCH", 2)
    put(sqlite_database, *(read(ONE, at) for at in range(5)))
    steps = appender(sqlite_database)
    assert [steps.step() for _ in range(4)] == [2, 2, 1, 0]
    assert [version for _, version, _ in recorded(sqlite_database)] == [1, 2, 3, 4, 5]


def test_a_batch_that_fails_leaves_all_of_it_waiting(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(name: str) -> None:
        raise RuntimeError(name)

    put(sqlite_database, read(ONE, 10))
    monkeypatch.setattr(facts, "reached", killed)
    with pytest.raises(RuntimeError, match="in_facts"):
        appender(sqlite_database).step()
    assert (recorded(sqlite_database), waiting(sqlite_database)) == ([], 1)
    monkeypatch.undo()
    assert appender(sqlite_database).step() == 1


def test_the_row_that_orders_the_appenders_is_made_when_missing(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        conn.execute(delete(notice_facts))
    put(sqlite_database, read(ONE, 10))
    assert [appender(sqlite_database).step() for _ in range(2)] == [0, 1]


def test_it_runs_until_it_is_told_to_stop(sqlite_database: Database) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=appender(sqlite_database).run, args=(stop,))
    thread.start()
    put(sqlite_database, read(ONE, 10))
    for _ in range(200):
        if recorded(sqlite_database):
            break
        stop.wait(0.01)
    stop.set()
    thread.join(5)
    assert recorded(sqlite_database) == [(ONE, 1, 10)]
