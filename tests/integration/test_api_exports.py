"""Exports over real connections, on both databases: one state, in order, and a place given back."""

import asyncio
import json
import re

import httpx
import pytest
from sqlalchemy import text

from projections import pause_list
from projections.stream_filters import Filters
from tests.fakes import chain
from tests.fakes.chain import EMPLOYER
from tests.fakes.listening import PATIENCE, listening
from tests.fakes.served import Served

STREAMS = 40
LEDGERS = 30


@pytest.fixture
def served(database) -> Served:
    served = Served(database)
    for ledger in range(1, LEDGERS + 1):
        make = chain.paused if ledger % 2 else chain.resumed
        served.world.record(*(make(ledger, n, stream_id=n * 7 % 97) for n in range(STREAMS)))
    served.tell(chain.contract_pause(LEDGERS + 1))
    return served


def asking(served: Served) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {served.key}"}
    return httpx.AsyncClient(headers=headers, timeout=PATIENCE, verify=False)


async def test_an_export_has_every_pause_once_and_in_order(served):
    with listening(served.app) as url:
        async with asking(served) as client:
            answer = await client.get(f"{url}/v1/export/pauses.ndjson")
            again = await client.get(f"{url}/v1/export/pauses.ndjson")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    wide, *of_streams = rows
    assert (wide["stream_id"], wide["open"]) == (None, True)
    assert [(int(row["stream_id"]), row["start_ledger"]) for row in of_streams] == sorted(
        (n * 7 % 97, ledger) for n in range(STREAMS) for ledger in range(1, LEDGERS + 1, 2)
    )
    assert again.content == answer.content


async def test_an_export_is_one_state_whatever_is_recorded_meanwhile(served, monkeypatch):
    answers = served.app.state.exports
    from api.export_formats import as_ndjson
    from api.exports import Wanted

    begun = await answers.answer(
        Wanted(Filters()), as_ndjson, "text/plain", "x"
    )  # has its snapshot now
    served.tell(*(chain.resumed(50, n, stream_id=n) for n in range(200, 260)))
    told = b"".join([chunk async for chunk in begun.body_iterator])
    assert told.count(b"\n") == STREAMS * LEDGERS // 2 + 1


async def test_callers_who_leave_give_their_places_back(served):
    with listening(served.app) as url:
        async with asyncio.timeout(PATIENCE), asking(served) as client:
            left = 0
            while left < 5:  # a place is free again once the one before was missed
                async with client.stream("GET", f"{url}/v1/export/pauses.csv") as answer:
                    assert answer.status_code in (200, 429)
                    left += answer.status_code == 200


@pytest.mark.parametrize(
    "wanted", [Filters(), Filters(employer=EMPLOYER), Filters(status="paused")]
)
def test_an_export_is_never_sorted_as_a_whole(served, wanted):
    """It must begin at once and leave the disk alone; the pauses of one stream may be sorted."""
    query = pause_list.of_streams("a", wanted)
    with served.database.read() as conn:
        compiled = query.compile(conn, compile_kwargs={"literal_binds": True})
        if conn.dialect.name == "postgresql":
            # Few rows are cheapest to sort: this is the plan that many rows get from a cursor.
            for way in ("sort", "hashjoin", "mergejoin"):
                conn.execute(text(f"SET LOCAL enable_{way} = off"))
            plan = list(conn.scalars(text(f"EXPLAIN {compiled}")))
            assert any("Index Scan using ix_stream_list_a" in line for line in plan)
            assert not any(re.match(r"\s*(->  )?Sort  ", line) for line in plan), plan
        else:
            plan = [row.detail for row in conn.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))]
            assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan
