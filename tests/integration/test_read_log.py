"""Who read what: noted off the answer's path, asked by auditors, forgotten in time, on both databases."""

import asyncio

import pytest
from sqlalchemy import event, select, text

from api import keys, read_log
from api.read_log import Asked, Read
from api.read_noting import MOST_WAITING
from domain.values import U64_MAX
from store.clock import now_micros
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE, OTHER
from tests.fakes.served import Served, ids

STREAM = f"/v1/streams/{CONTRACT}/7"
DAY = 86_400 * 1_000_000


@pytest.fixture
def served(database) -> Served:
    served = Served(database)
    served.scanned(1, 9)
    served.tell(chain.created(1), chain.created(1, 1, stream_id=8, employee=OTHER))
    return served


async def reads(served: Served, query: str = "") -> list[dict]:
    """What auditors see, once it is written; their own looking comes after it."""
    await served.app.state.reads.write()
    answer = await served.ask(f"/v1/audit/reads{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_read_says_who_what_when_and_how_it_ended(served):
    key = served.make_key(keys.STREAMS_READ, account=None)
    before = now_micros()
    await served.ask(f"{STREAM}/pauses", key=key)
    [read] = await reads(served)
    assert read.pop("at") > "2026"
    assert read == {
        "actor": key.split("_")[1],
        "account_lookup": None,
        "route": "/v1/streams/{contract_id}/{stream_id}/pauses",
        "contract_id": CONTRACT,
        "stream_id": "7",
        "about": None,
        "status": 200,
        "client": "127.0.0.1",
    }
    with served.database.read() as conn:
        assert (
            before <= conn.execute(select(read_log.read_log.c.at)).scalars().first() <= now_micros()
        )


async def test_a_person_is_a_keyed_hash_and_refusals_are_reads_too(served):
    token = served.make_session(EMPLOYEE)
    await served.ask(STREAM, key=token)
    await served.ask(f"/v1/streams/{CONTRACT}/8", key=token)
    await served.ask("/v1/deliveries", key=token)
    told = await reads(served)
    assert [(each["route"].rpartition("/")[2], each["status"]) for each in reversed(told)] == [
        ("{stream_id}", 200),
        ("{stream_id}", 404),
        ("deliveries", 403),
    ]
    assert {each["account_lookup"] for each in told} == {
        served.world.vault.account_lookup(EMPLOYEE)
    }
    assert all(each["actor"].startswith("session_") for each in told)
    assert EMPLOYEE not in str(told)


async def test_what_nobody_known_asks_is_no_read(served):
    for key in (None, "nonsense"):
        await served.ask(STREAM, key=key)
    await served.ask("/v1/status")
    await served.ask("/livez")
    assert await reads(served) == []


async def test_lists_exports_and_the_feed_are_reads_of_the_contract_asked_for(served):
    await served.ask(f"/v1/streams?contract_id={CONTRACT}&employee={EMPLOYEE}")
    await served.ask("/v1/export/pauses.csv")
    await served.ask("/v1/feed?follow=false")
    told = list(reversed(await reads(served)))
    assert ids(told, "contract_id") == [CONTRACT, None, None]
    assert ids(told, "route") == ["/v1/streams", "/v1/export/pauses.csv", "/v1/feed"]
    assert EMPLOYEE not in str(told)


async def test_reads_of_deliveries_name_them(served):
    delivery = "0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11"
    await served.ask(f"/v1/deliveries/{delivery}")
    [read] = await reads(served)
    assert (read["about"], read["status"]) == (delivery, 404)


async def test_what_cannot_be_an_id_is_noted_without_it(served):
    for path in ("/v1/streams/%00/x", "/v1/streams/C/99999999999999999999", "/v1/contracts/%FF"):
        assert (await served.ask(path)).status_code == 422
    await served.ask("/v1/deliveries/%00%0a")
    assert {each["about"] or each["contract_id"] for each in await reads(served)} == {None}


async def test_reads_are_found_by_key_stream_and_time(served):
    other = served.make_key(keys.STREAMS_READ, account=None)
    await served.ask(STREAM)
    await served.ask(f"/v1/streams/{CONTRACT}/{U64_MAX}", key=other)
    await served.ask(f"/v1/contracts/{CONTRACT}", key=other)
    await served.app.state.reads.write()

    async def found(query: str) -> int:
        return len([each for each in await reads(served, query) if "audit" not in each["route"]])

    assert await found(f"?key={other.split('_')[1]}") == 2
    assert await found(f"?contract_id={CONTRACT}") == 3
    assert await found(f"?contract_id={CONTRACT}&stream_id={U64_MAX}") == 1
    assert await found("?since=2020-01-01T00:00:00Z") == 3
    assert await found("?since=2120-01-01T00:00:00Z") == 0
    assert (await served.ask("/v1/audit/reads?stream_id=7")).status_code == 422


async def test_pages_have_each_read_once(served):
    for _ in range(5):
        await served.ask(STREAM)
    await served.app.state.reads.write()
    walked = await served.walk("/v1/audit/reads?key=" + served.key.split("_")[1], 2)
    assert len(walked) == 5


async def test_what_cannot_be_written_is_written_later(served):
    await served.ask(STREAM)
    with served.database.begin() as conn:
        conn.execute(text("ALTER TABLE read_log RENAME TO away"))
    await served.app.state.reads.write()
    await served.ask(STREAM)
    with served.database.begin() as conn:
        conn.execute(text("ALTER TABLE away RENAME TO read_log"))
    assert len(await reads(served)) == 2


async def test_an_outage_ends_no_process_and_is_counted(served):
    log = served.app.state.reads
    await served.ask(STREAM)
    log._waiting *= MOST_WAITING
    await served.ask(STREAM)
    assert len(log._waiting) == MOST_WAITING
    metrics = (await served.ask("/metrics")).text
    assert "pausewire_reads_not_logged_total 1.0" in metrics
    log._waiting.clear()


async def test_a_process_writes_at_its_end_and_forgets_what_is_old(served):
    with served.database.begin() as conn:
        for days in (1, 364, 366, 4_000):
            at = now_micros() - days * DAY
            read_log.add(conn, [Read(at, "k", None, "/", None, None, None, 200, None)] * 3)
    async with served.app.state.reads.writing():
        await served.ask(STREAM)
        await asyncio.sleep(0)
    with served.database.read() as conn:
        kept = conn.execute(read_log.page(Asked(actor="k"), limit=99)).all()
        assert len(kept) == 6
        assert len(conn.execute(read_log.page(Asked(), limit=99)).all()) == 7


async def test_nothing_is_noted_where_nothing_is_to_be_kept(database):
    served = Served(database, read_log_days=0)
    await served.ask("/v1/streams")
    assert await reads(served) == []


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked(), "ix_read_log_at"),
        (Asked(since=5), "ix_read_log_at"),
        (Asked(actor="k7"), "ix_read_log_actor_at"),
        (Asked(account_lookup="a7"), "ix_read_log_account_lookup_at"),
        (Asked(contract_id="C1", stream_id=7), "ix_read_log_stream_at"),
    ],
)
def test_reads_are_found_by_index(database, asked, index):
    with database.begin() as conn:
        rows = [
            Read(n, f"k{n % 9}", f"a{n % 9}", "/", "C1", n % 9, None, 200, None)
            for n in range(9_000)
        ]
        read_log.add(conn, rows)
    word = "EXPLAIN QUERY PLAN"
    if database.dialect == "postgresql":
        word = "EXPLAIN"
        with database.begin() as conn:
            conn.execute(text("ANALYZE read_log"))

    def explaining(conn, cursor, statement, parameters, context, executemany):
        return f"{word} {statement}", parameters

    with database.read() as conn:
        event.listen(conn, "before_cursor_execute", explaining, retval=True)
        query = read_log.page(asked, limit=51)
        plan = "\n".join(row[-1] for row in conn.execute(query).cursor.fetchall())
    assert index in plan, plan
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
