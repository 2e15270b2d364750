"""Where a request reads, on both databases: whole transactions, and statements without one."""

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from api.snapshot import snapshot_of
from store.engine import SQLITE
from store.errors import UnusableDatabase
from store.schema import tracking

NAMES = select(tracking.c.name)


@pytest.fixture
async def snapshot(database):
    yield snapshot_of(database)
    await database.close_async()


def put(database, name):
    with database.begin() as conn:
        conn.execute(insert(tracking).values(name=name, position=1))


async def test_a_read_sees_one_state(database, snapshot):
    put(database, "a")

    def read(conn):
        before = conn.execute(NAMES).all()
        put(database, "b")
        return before, conn.execute(NAMES).all()

    before, after = await snapshot.read(read)
    assert before == after == [("a",)]
    assert len(await snapshot.read(lambda conn: conn.execute(NAMES).all())) == 2


async def test_a_read_cannot_write(snapshot):
    with pytest.raises((DBAPIError, UnusableDatabase), match=r"read-?only"):
        await snapshot.read(
            lambda conn: conn.execute(insert(tracking).values(name="c", position=1))
        )


async def test_outside_of_a_transaction_each_statement_sees_what_is_there(database, snapshot):
    def ask(conn):
        before = len(conn.execute(NAMES).all())
        put(database, "a")
        return before, len(conn.execute(NAMES).all())

    both = (0, 0) if database.dialect == SQLITE else (0, 1)
    assert await snapshot.ask(ask) == both


async def test_a_read_that_fails_leaves_a_connection_that_can_be_used(database, snapshot):
    def fail(conn):
        conn.execute(text("SELECT nothing"))

    for number, read in enumerate((snapshot.read, snapshot.ask)):
        with pytest.raises((DBAPIError, UnusableDatabase)):
            await read(fail)
        put(database, str(number))
        names = await snapshot.ask(lambda conn: conn.execute(NAMES).scalars().all())
        assert str(number) in names


async def test_a_read_that_refuses_leaves_no_transaction(database, snapshot):
    def refuse(conn):
        conn.execute(NAMES)
        raise LookupError

    with pytest.raises(LookupError):
        await snapshot.read(refuse)
    put(database, "a")
    assert await snapshot.ask(lambda conn: conn.scalar(NAMES)) == "a"
