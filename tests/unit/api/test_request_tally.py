"""What the API answered, a row per minute: added up over processes, kept when the database is away."""

import asyncio

from sqlalchemy import insert, select, text

from api.request_tally import KEEP_DAYS, RequestTally, answered, request_minute
from notifier.objectives import Tally
from store.clock import now_micros
from tests.fakes.served import Served


def written(database):
    with database.read() as conn:
        return answered(conn, 0)


async def test_two_processes_make_one_history(sqlite_database):
    for _ in range(2):
        tally = RequestTally(sqlite_database)
        tally.note("/v1/streams", 200)
        tally.note("/v1/streams", 500)
        tally.note("/readyz", 503)
        await tally.write()
        await tally.write()
    assert written(sqlite_database) == Tally(2, {"5xx": 2})


async def test_what_cannot_be_written_is_written_later(sqlite_database):
    tally = RequestTally(sqlite_database)
    tally.note("/v1/streams", 200)
    with sqlite_database.begin() as conn:
        conn.execute(text("ALTER TABLE request_minute RENAME TO away"))
    await tally.write()
    tally.note("/v1/streams", 200)
    with sqlite_database.begin() as conn:
        conn.execute(text("ALTER TABLE away RENAME TO request_minute"))
    await tally.write()
    assert written(sqlite_database) == Tally(2, {"5xx": 0})


async def test_old_minutes_are_forgotten(sqlite_database):
    with sqlite_database.begin() as conn:
        conn.execute(insert(request_minute).values(minute=1, requests=1, errors=0))
    tally = RequestTally(sqlite_database)
    tally.note("/v1/streams", 200)
    await tally.write()
    with sqlite_database.read() as conn:
        (minute,) = conn.scalars(select(request_minute.c.minute))
    assert minute > now_micros() // 60_000_000 - KEEP_DAYS * 24 * 60


async def test_the_application_counts_its_answers_and_writes_them_at_its_end(sqlite_database):
    served = Served(sqlite_database)
    async with served.app.state.request_tally.writing():
        await served.ask("/v1/streams")
        await served.ask("/livez")
        await asyncio.sleep(0)
    assert written(sqlite_database) == Tally(1, {"5xx": 0})
