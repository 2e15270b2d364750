"""A follower sees every event once and in order, whatever dies in between."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select

from domain.contract import RangeFilled
from store import schema
from store.engine import Database
from store.errors import DatabaseLocked, TrackingConflict
from store.follower import Follower, move_tracking
from store.log import Recorded, append_rows
from store.mapper import encode
from store.wake import LOG
from tests.fakes.chain import CONTRACT

seen = Table("follower_seen", MetaData(), Column("position", Integer, primary_key=True))


OF_CHAIN = encode(RangeFilled(uuid4(), 1, "job", CONTRACT, 1, 2))
TOLD = ("notice.read.1", b"\x91\x01")


def record(database: Database, count: int, what: tuple[str, bytes] = OF_CHAIN) -> None:
    rows = [(uuid4(), 1, *what) for _ in range(count)]
    with database.begin() as conn:
        append_rows(conn, rows, recorded_at=1)
        database.bell.ring(conn, LOG)


def note(conn, chunk) -> None:
    conn.execute(insert(seen), [{"position": each.position} for each in chunk])


def noted(database: Database) -> list[int]:
    with database.read() as conn:
        return list(conn.execute(select(seen.c.position).order_by(seen.c.position)).scalars())


def follower(database: Database, apply=note, **changes) -> Follower:
    settings = {
        "name": "test",
        "chunk_events": 3,
        "durable": False,
        "poll_seconds": 0.05,
        "killpoint": "in_project",
    }
    return Follower(database, apply=apply, **(settings | changes))


@pytest.fixture
def log(database: Database) -> Database:
    with database.begin() as conn:
        seen.metadata.create_all(conn)
    return database


def test_chunks_are_worked_off_in_order_until_caught_up(log):
    record(log, 7)
    one = follower(log)
    assert [one.step() for _ in range(4)] == [3, 3, 1, 0]
    assert noted(log) == list(range(1, 8))
    with log.read() as conn:
        assert one.position(conn) == 7


def test_what_people_were_told_is_passed_over(log):
    """It is most of what a busy day records, and nobody follows it."""
    record(log, 4)
    record(log, 6, TOLD)
    record(log, 1)
    record(log, 2, TOLD)
    one = follower(log)
    assert [one.step() for _ in range(3)] == [3, 10, 0]
    assert noted(log) == [1, 2, 3, 4, 11]
    record(log, 5, TOLD)
    assert [one.step() for _ in range(2)] == [5, 0]
    with log.read() as conn:
        assert one.position(conn) == 18


def test_what_waits_beside_the_log_asks_for_a_step_at_its_position(log):
    """Also where nothing was ever recorded, and where what was is passed over."""
    waiting, applied = {0, 4}, []

    def work(conn, chunk):
        applied.append([each.position for each in chunk])
        waiting.discard(one.position(conn))

    one = follower(log, apply=work, beside=lambda _, at: at in waiting)
    assert [one.step() for _ in range(2)] == [0, 0]
    assert (applied, waiting) == ([[]], {4})
    record(log, 2)
    record(log, 2, TOLD)
    assert [one.step() for _ in range(3)] == [4, 0, 0]
    assert (applied, waiting) == ([[], [1, 2]], set())
    waiting.add(4)
    assert [one.step() for _ in range(2)] == [0, 0]
    assert (applied, waiting) == ([[], [1, 2], []], set())


def test_a_follower_that_starts_anew_goes_on_where_it_was(log):
    record(log, 4)
    follower(log).step()
    assert follower(log).step() == 1
    assert noted(log) == [1, 2, 3, 4]


def test_followers_of_other_names_have_their_own_position(log):
    record(log, 2)
    chunks: list[list[Recorded]] = []
    follower(log).step()
    follower(log, lambda _, chunk: chunks.append(list(chunk)), name="other").step()
    assert [each.position for each in chunks[0]] == [1, 2]


def test_an_error_in_apply_leaves_position_and_rows_as_they_were(log):
    record(log, 2)

    def broken(conn, chunk):
        note(conn, chunk)
        raise ZeroDivisionError

    one = follower(log, broken)
    with pytest.raises(ZeroDivisionError):
        one.step()
    assert noted(log) == []
    assert follower(log).step() == 2


def test_after_is_called_once_the_chunk_has_committed(log):
    record(log, 2)
    found = []
    one = follower(log, after=lambda chunk: found.append((len(chunk), noted(log))))
    one.step()
    one.step()
    assert found == [(2, [1, 2])]


def test_a_chunk_that_another_process_worked_off_is_not_applied_again(log):
    record(log, 2)
    rival = follower(log)

    def late(conn, chunk):
        raise AssertionError("the rival had it first")

    slow = follower(log, late)
    # The rival is quicker than this one between its reading and its writing.
    with log.read() as conn:
        position = slow.position(conn)
    rival.step()
    with pytest.raises(TrackingConflict) as conflict, log.begin() as conn:
        move_tracking(conn, "test", position, 2)
    assert (conflict.value.name, conflict.value.position) == ("test", 0)
    assert slow.step() == 0


def test_a_position_that_is_not_where_it_was_read_is_a_conflict(log):
    with log.begin() as conn:
        move_tracking(conn, "test", 0, 5)
    for old in (0, 3, 6):
        with pytest.raises(TrackingConflict), log.begin() as conn:
            move_tracking(conn, "test", old, 9)


def test_two_that_run_at_once_share_the_work_and_repeat_none(log):
    record(log, 60)
    stop = threading.Event()
    threads = [threading.Thread(target=follower(log).run, args=(stop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(noted(log)) == 60)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert noted(log) == list(range(1, 61))


def wait_until(reached) -> None:
    patience = threading.Event()
    for _ in range(500):
        if reached():
            return
        patience.wait(0.02)
    raise AssertionError("waited for ten seconds")


def test_a_running_follower_is_woken_by_the_bell_long_before_its_poll(log):
    stop = threading.Event()
    thread = threading.Thread(target=follower(log, poll_seconds=60).run, args=(stop,))
    thread.start()
    record(log, 1)
    wait_until(lambda: noted(log) == [1])
    record(log, 1)
    wait_until(lambda: noted(log) == [1, 2])
    stop.set()
    log.bell.strike([LOG])
    thread.join(10)
    assert not thread.is_alive()


def test_a_transient_error_is_waited_out(log):
    record(log, 2)
    failures = [DatabaseLocked("busy"), DatabaseLocked("busy")]

    def sometimes(conn, chunk):
        if failures:
            raise failures.pop()
        note(conn, chunk)

    stop = threading.Event()
    thread = threading.Thread(target=follower(log, sometimes).run, args=(stop,))
    thread.start()
    wait_until(lambda: noted(log) == [1, 2])
    stop.set()
    thread.join(10)
    assert failures == []


def test_a_defect_ends_the_role(log):
    record(log, 1)

    def broken(conn, chunk):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        follower(log, broken).run(threading.Event())


def test_tracking_has_one_row_per_follower(log):
    record(log, 7)
    one = follower(log)
    while one.step():
        pass
    with log.read() as conn:
        assert conn.execute(select(schema.tracking)).all() == [("test", 7)]
