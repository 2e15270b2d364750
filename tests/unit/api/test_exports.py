"""Exports: what is in them, in which order, and what happens to who does not take them."""

import asyncio
import csv
import io
import itertools
import json
import random
import sys
import tracemalloc
from typing import NamedTuple

import pytest

from api import exports as exports_module
from api.export_formats import COLUMNS, as_csv, as_ndjson, as_parquet
from api.exports import NotTaken, Walk, Wanted
from domain.values import U64_MAX
from projections.pauses import PauseRow
from projections.stream_filters import Filters
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE, EMPLOYER, OTHER
from tests.fakes.served import Served

PATIENCE = 10
CSV, NDJSON, PARQUET = (f"/v1/export/pauses.{form}" for form in ("csv", "ndjson", "parquet"))


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    served = Served(sqlite_database)
    served.scanned(1, 200)
    luck = random.Random(5)
    streams = [1, 2, 10, U64_MAX]
    served.tell(*(chain.created(1, n, stream_id=stream) for n, stream in enumerate(streams)))
    for ledger in range(2, 60):
        for index, stream in enumerate(streams):
            make = luck.choice((chain.paused, chain.resumed))
            served.world.record(make(ledger, index, stream_id=stream))
    served.tell(
        chain.contract_pause(70),
        chain.contract_pause(71, value=False),
        chain.transferred(72, stream_id=10),
        chain.resumed(73, stream_id=99),
    )
    return served


async def lines(served: Served, **params: str) -> list[dict]:
    answer = await served.ask(NDJSON, params=params)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_an_export_has_what_the_lists_have(served):
    exported = await lines(served)
    wide = await served.walk(f"/v1/contracts/{CONTRACT}/pauses?order=asc", 50)
    assert exported[: len(wide)] == [
        {"contract_id": CONTRACT, "stream_id": None, "employer": None, "employee": None} | pause
        for pause in wide
    ]
    listed = []
    for stream in await served.walk("/v1/streams", 50):
        path = f"/v1/streams/{CONTRACT}/{stream['stream_id']}/pauses?order=asc"
        for pause in await served.walk(path, 50):
            for beside in ("notified", "claimable_at_pause", "token"):
                del pause[beside]  # what we did and read beside the chain's events is not exported
            parties = {name: stream[name] for name in ("employer", "employee")}
            listed.append(
                {"contract_id": CONTRACT, "stream_id": stream["stream_id"]} | parties | pause
            )
    assert exported[len(wide) :] == listed
    assert len(listed) > 50


async def test_the_three_formats_say_the_same_and_twice_the_same(served):
    import pyarrow as pa
    from pyarrow import parquet

    expected = await lines(served)
    for path in (CSV, NDJSON, PARQUET):
        one, two = await served.ask(path), await served.ask(path)
        assert one.content == two.content
        assert one.headers["Pausewire-Fresh-To-Ledger"] == "200"
        assert one.headers["Pausewire-Completeness"] == "complete"
        assert one.headers["Content-Disposition"].startswith("attachment; ")
    table = list(csv.DictReader(io.StringIO((await served.ask(CSV)).text, newline="")))
    assert [tuple(row) for row in table[:1]] == [COLUMNS]
    assert table == [{name: in_csv(value) for name, value in row.items()} for row in expected]
    read = parquet.read_table(pa.BufferReader((await served.ask(PARQUET)).content))
    assert read.schema.field("stream_id").type == pa.string()
    assert read.schema.field("paused_at").type == pa.timestamp("ms", tz="UTC")
    assert [
        {name: in_json(value) for name, value in row.items()} for row in read.to_pylist()
    ] == expected


def in_csv(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def in_json(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


@pytest.mark.parametrize(
    "filters",
    [
        {"contract_id": CONTRACT},
        {"employee": OTHER},
        {"employer": EMPLOYER, "status": "paused"},
        {"status": "cancelled"},
        {"q": "1"},
        {"q": EMPLOYEE[:9]},
    ],
)
async def test_filters_are_those_of_the_list_of_streams(served, filters):
    found = await lines(served, **filters)
    of_streams = {row["stream_id"] for row in found} - {None}
    listed = (await served.ask("/v1/streams", params=filters | {"limit": 200})).json()["items"]
    with_pauses = {row["stream_id"] for row in await lines(served)}
    assert of_streams == {each["stream_id"] for each in listed} & with_pauses
    assert any(row["stream_id"] is None for row in found) == (set(filters) == {"contract_id"})


async def test_nothing_to_export_is_an_empty_file_with_its_header(sqlite_database):
    from pyarrow import BufferReader, parquet

    served = Served(sqlite_database)
    assert (await served.ask(CSV)).text == ",".join(COLUMNS) + "\r\n"
    assert (await served.ask(NDJSON)).text == ""
    answer = await served.ask(PARQUET)
    assert "Pausewire-Fresh-To-Ledger" not in answer.headers
    assert parquet.read_table(BufferReader(answer.content)).num_rows == 0


async def test_without_pyarrow_parquet_is_refused_and_the_way_out_is_named(served, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = await served.ask(PARQUET)
    assert answer.status_code == 501
    assert answer.json()["type"] == "/problems/parquet-missing"
    assert "pausewire[parquet]" in answer.json()["detail"]
    assert (await served.ask(CSV)).status_code == 200


Row = NamedTuple("Row", [(name, object) for name in (*PauseRow._fields, "employer", "employee")])


def row(**given: object) -> Row:
    return Row(*[None] * len(Row._fields))._replace(contract_id=CONTRACT, **given)


@pytest.mark.parametrize(
    "begin", ["=1+1", "+1", "-1", "@SUM", "\tx", "\rx", "\n=1", "=cmd|' /C'!A1"]
)
def test_what_a_spreadsheet_takes_for_a_formula_is_made_text(begin):
    made = b"".join(as_csv([row(id=begin, employer=begin, stream_id=7)])).decode()
    [_, told] = csv.reader(io.StringIO(made, newline=""))
    assert told[COLUMNS.index("id")] == told[COLUMNS.index("employer")] == f"'{begin}"


def test_a_number_below_zero_stays_a_number():
    made = b"".join(as_csv([row(paused_at=20, resumed_at=10)])).decode()
    [_, told] = csv.reader(io.StringIO(made, newline=""))
    assert told[COLUMNS.index("duration_seconds")] == "-10"


@pytest.mark.parametrize(
    ("write", "rows"), [(as_csv, 2_000), (as_ndjson, 2_000), (as_parquet(), 20_000)]
)
def test_a_long_export_takes_no_more_memory_than_a_short_one(write, rows):
    one = row(id="x" * 30, paused_at=1_784_655_000, stream_id=7)

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in write(itertools.repeat(one, count)):
            pass
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    peak(rows)  # whatever is made once
    assert peak(rows * 3) < peak(rows) * 1.2


def endless(closed: list[bool]):
    try:
        for number in itertools.count():
            yield str(number).encode()
    finally:
        closed.append(True)


async def test_who_leaves_ends_the_walk_and_gives_its_place_back():
    ended, closed = asyncio.Event(), []
    walk = Walk(lambda: endless(closed), ended.set)
    async with asyncio.timeout(PATIENCE):
        assert await walk.first() == b"0"
        taken = walk.chunks()
        assert [await anext(taken), await anext(taken)] == [b"1", b"2"]
        await taken.aclose()
        await ended.wait()
    assert closed == [True]


async def test_who_takes_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(exports_module, "_STANDSTILL_SECONDS", 0.05)
    ended, closed = asyncio.Event(), []
    walk = Walk(lambda: endless(closed), ended.set)
    async with asyncio.timeout(PATIENCE):
        await walk.first()
        await ended.wait()
        with pytest.raises(NotTaken):
            async for _ in walk.chunks():
                pass
    assert closed == [True]


async def test_a_third_export_is_told_to_come_back(served):
    answers = served.app.state.exports
    walks = [
        await answers.answer(Wanted(Filters()), lambda rows: endless([]), "text/plain", "x")
        for _ in range(2)
    ]
    refused = await served.ask(CSV)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert refused.json()["type"] == "/problems/exports-busy"
    for walk in walks:
        await anext(walk.body_iterator)
        await walk.body_iterator.aclose()
    async with asyncio.timeout(PATIENCE):
        while (await served.ask(CSV)).status_code != 200:
            pass


async def test_an_export_that_breaks_before_its_first_row_is_a_problem(served, monkeypatch):
    from store.errors import ConnectionLost

    def away(*_):
        raise ConnectionLost("away")

    monkeypatch.setattr(exports_module, "freshness", away)
    answer = await served.ask(CSV)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/unavailable"
