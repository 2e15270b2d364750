"""Group commit: shared transactions, separate fates."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Connection, insert, select

from notifier.group_commit import GroupCommit
from notifier.schema import switch
from store.engine import Database
from store.errors import DatabaseLocked


def turn(name: str, conn: Connection) -> str:
    conn.execute(insert(switch), {"name": name, "value": "on", "changed_at": 1})
    return name


def names(database: Database) -> set[str]:
    with database.read() as conn:
        return set(conn.scalars(select(switch.c.name)))


async def test_a_move_returns_once_it_is_committed(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    assert await moves.run(partial(turn, "a")) == "a"
    assert names(sqlite_database) == {"a"}
    await moves.close()


async def test_moves_that_meet_share_a_transaction(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    gate, transactions = threading.Event(), []

    def seen(name: str, conn: Connection) -> str:
        if name == "first":
            gate.wait(5)
        transactions.append(conn.get_transaction())
        return turn(name, conn)

    running = [asyncio.create_task(moves.run(partial(seen, "first")))]
    await asyncio.sleep(0.05)
    running += [asyncio.create_task(moves.run(partial(seen, f"n{n}"))) for n in range(20)]
    await asyncio.sleep(0.05)
    gate.set()
    assert await asyncio.gather(*running) == ["first", *(f"n{n}" for n in range(20))]
    assert len(set(transactions)) == 2
    assert len(names(sqlite_database)) == 21
    await moves.close()


async def test_one_that_fails_harms_no_other(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    gate = threading.Event()

    def hold(conn: Connection) -> None:
        gate.wait(5)

    def fail(conn: Connection) -> None:
        turn("half-written", conn)
        raise LookupError("mine alone")

    held = asyncio.create_task(moves.run(hold))
    await asyncio.sleep(0.05)
    crowd = asyncio.gather(
        moves.run(partial(turn, "a")),
        moves.run(fail),
        moves.run(partial(turn, "b")),
        return_exceptions=True,
    )
    await asyncio.sleep(0.05)
    gate.set()
    first, error, last = await crowd
    await held
    assert (first, last) == ("a", "b")
    assert isinstance(error, LookupError)
    assert names(sqlite_database) == {"a", "b"}
    await moves.close()


async def test_a_locked_database_is_waited_for_once_by_the_whole_group(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = GroupCommit(sqlite_database)
    gate, asked = threading.Event(), []
    held = asyncio.create_task(moves.run(lambda _: gate.wait(5)))
    await asyncio.sleep(0.05)

    @contextmanager
    def locked() -> Iterator[Connection]:
        asked.append("begin")
        raise DatabaseLocked("busy")
        yield

    monkeypatch.setattr(sqlite_database, "begin", locked)
    crowd = asyncio.gather(
        *(moves.run(partial(turn, f"n{n}")) for n in range(8)), return_exceptions=True
    )
    await asyncio.sleep(0.05)
    gate.set()
    await held
    assert [type(each) for each in await crowd] == [DatabaseLocked] * 8
    assert asked == ["begin"]
    await moves.close()


async def test_who_no_longer_waits_does_not_stop_the_others(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    gate = threading.Event()
    held = asyncio.create_task(moves.run(lambda _: gate.wait(5)))
    await asyncio.sleep(0.05)
    gone = asyncio.create_task(moves.run(partial(turn, "gone")))
    stays = asyncio.create_task(moves.run(partial(turn, "stays")))
    await asyncio.sleep(0.05)
    gone.cancel()
    gate.set()
    assert await stays == "stays"
    await held
    with pytest.raises(asyncio.CancelledError):
        await gone
    await moves.close()


async def test_closing_waits_for_what_is_being_written(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    running = asyncio.create_task(moves.run(partial(turn, "a")))
    await asyncio.sleep(0)
    await moves.close()
    assert await running == "a"
