"""Group commit: shared transactions, separate fates."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, insert, select

from notifier.group_commit import GroupCommit, Work
from notifier.schema import switch
from store.engine import Database
from store.errors import DatabaseLocked


def turn(conn: Connection, names: Sequence[str]) -> Sequence[str]:
    conn.execute(insert(switch), [{"name": name, "value": "on", "changed_at": 1} for name in names])
    return names


def waiting_for(gate: threading.Event) -> Work[None, None]:
    def hold(conn: Connection, wanted: Sequence[None]) -> Sequence[None]:
        gate.wait(5)
        return wanted

    return hold


def names(database: Database) -> set[str]:
    with database.read() as conn:
        return set(conn.scalars(select(switch.c.name)))


async def test_what_is_wanted_returns_once_it_is_committed(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    assert await moves.run(turn, "a") == "a"
    assert names(sqlite_database) == {"a"}
    await moves.close()


async def test_who_wants_the_same_at_one_moment_shares_a_transaction_and_a_call(
    sqlite_database: Database,
) -> None:
    moves = GroupCommit(sqlite_database)
    gate = threading.Event()
    calls: list[Sequence[str]] = []

    def seen(conn: Connection, names: Sequence[str]) -> Sequence[str]:
        if names == ["first"]:
            gate.wait(5)
        calls.append(names)
        return turn(conn, names)

    running = [asyncio.create_task(moves.run(seen, "first"))]
    await asyncio.sleep(0.05)
    running += [asyncio.create_task(moves.run(seen, f"n{n}")) for n in range(20)]
    await asyncio.sleep(0.05)
    gate.set()
    assert await asyncio.gather(*running) == ["first", *(f"n{n}" for n in range(20))]
    assert calls == [["first"], [f"n{n}" for n in range(20)]]
    assert len(names(sqlite_database)) == 21
    await moves.close()


async def test_one_that_fails_harms_no_other(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    gate = threading.Event()

    def fail(conn: Connection, wanted: Sequence[str]) -> Sequence[str]:
        turn(conn, wanted)
        raise LookupError("mine alone")

    held = asyncio.create_task(moves.run(waiting_for(gate), None))
    await asyncio.sleep(0.05)
    crowd = asyncio.gather(
        moves.run(turn, "a"),
        moves.run(fail, "half-written"),
        moves.run(turn, "b"),
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
    held = asyncio.create_task(moves.run(waiting_for(gate), None))
    await asyncio.sleep(0.05)

    @contextmanager
    def locked() -> Iterator[Connection]:
        asked.append("begin")
        raise DatabaseLocked("busy")
        yield

    monkeypatch.setattr(sqlite_database, "begin", locked)
    crowd = asyncio.gather(*(moves.run(turn, f"n{n}") for n in range(8)), return_exceptions=True)
    await asyncio.sleep(0.05)
    gate.set()
    await held
    assert [type(each) for each in await crowd] == [DatabaseLocked] * 8
    assert asked == ["begin"]
    await moves.close()


async def test_who_no_longer_waits_does_not_stop_the_others(sqlite_database: Database) -> None:
    moves = GroupCommit(sqlite_database)
    gate = threading.Event()
    held = asyncio.create_task(moves.run(waiting_for(gate), None))
    await asyncio.sleep(0.05)
    gone = asyncio.create_task(moves.run(turn, "gone"))
    stays = asyncio.create_task(moves.run(turn, "stays"))
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
    running = asyncio.create_task(moves.run(turn, "a"))
    await asyncio.sleep(0)
    await moves.close()
    assert await running == "a"


@pytest.mark.postgres
async def test_what_is_urgent_does_not_wait_for_what_is_not_where_two_can_write(
    postgres_url: str,
) -> None:
    database = Database.open(postgres_url)
    moves, gate = GroupCommit(database), threading.Event()
    held = asyncio.create_task(moves.run(waiting_for(gate), None))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        assert await moves.run(turn, "a", urgent=True) == "a"
    gate.set()
    await held
    await moves.close()
    database.close()
