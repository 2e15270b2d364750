"""However much there is, an answer touches about as many rows as it shows: the plans of every list.

A world of thousands of events, notices and streams; each request's own statements are explained.
"""

import re

import pytest
from sqlalchemy import text

from api.keys import AUDIT_READ, OPERATOR, STREAMS_READ
from api.keys import EMPLOYEE as OWN
from store.engine import SQLITE, Database
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE
from tests.fakes.plans import Plan, heard, plans_of
from tests.fakes.served import Served
from tests.fakes.wallet import person

STREAMS, PAUSES = 1_600, 900
LIMIT = 5
MOST_TOUCHED = 300  # of some thousand rows: an answer of five, its look-ups, and room for a planner
PEOPLE = [person(f"p{n}").public_key for n in range(40)]
STREAM = f"/v1/streams/{CONTRACT}/7"
NOTHING: frozenset[str] = frozenset()
# Tables with so many rows that nobody may walk through them.
LARGE = (
    *("recorded_event", "stream_view_a", "stream_list_a", "pause_view_a", "evidence"),
    *("notice", "delivery", "stream_state", "timeline_a", "evidence_outcome"),
)


def streams():
    """Most flow, every tenth is paused."""
    for number in range(1_000, 1_000 + STREAMS):
        yield chain.created(1, number, stream_id=number, employee=PEOPLE[number % len(PEOPLE)])
        if number % 10 == 0:
            yield chain.paused(2, number, stream_id=number, employee=PEOPLE[number % len(PEOPLE)])


def history():
    """Stream 7 is paused and resumed, over and over."""
    yield chain.created(1)
    for at in range(PAUSES):
        yield chain.paused(10 + 2 * at)
        yield chain.resumed(11 + 2 * at)


@pytest.fixture(scope="module")
def served(database_of_module: Database) -> Served:
    served = Served(database_of_module)
    served.scanned(1, 20_000)
    served.tell(*streams())
    served.tell(*history())
    with served.database.begin() as conn:
        conn.execute(text("ANALYZE"))
    return served


async def asked(served: Served, path: str, key: str) -> list[Plan]:
    with heard(served.database) as sent:
        answer = await served.ask(path, key=key)
    assert answer.status_code == 200, answer.text
    assert answer.content
    return plans_of(served.database, sent)


def faults(
    served: Served, plans: list[Plan], *, all_of_them: frozenset[str] = NOTHING
) -> list[str]:
    """What plans do that grows with the tables. `all_of_them`: read whole by what the route answers."""
    wrong = []
    for plan in plans:
        read_whole = any(
            f"FROM {table} " in plan.statement.replace("\n", " ") for table in all_of_them
        )
        if served.database.dialect == SQLITE:
            walks = re.search(rf"SCAN ({'|'.join(LARGE)})(?! USING (COVERING )?INDEX)", plan.text)
            sorts = "USE TEMP B-TREE FOR ORDER BY" in plan.text
            bad = walks or (sorts and not read_whole)
        else:
            walks = re.search(rf"Seq Scan ({'|'.join(LARGE)})\b", plan.text)
            bad = walks or (plan.touched > MOST_TOUCHED and not read_whole)
        if bad:
            wrong.append(f"{plan.statement}\n{plan.text}\n{plan.touched} rows touched")
    return wrong


async def second_page(served: Served, path: str, key: str) -> str:
    """The address of the page behind the first one."""
    answer = await served.ask(path, key=key)
    assert answer.json()["next_cursor"], path
    return f"{path}&cursor={answer.json()['next_cursor']}"


# What a page reads all of, by index: every notice of its stream, to put them in order; every unread one of
# its reader, to count them; every stream that fits a search, or the index of all for a number's beginning.
WHOLE = {
    "who was told": frozenset({"notice", "delivery"}),
    "inbox": frozenset({"notice"}),
    "what is unread": frozenset({"notice"}),
    "streams by number": frozenset({"stream_view_a"}),
    "streams by account": frozenset({"stream_view_a"}),
    "notifications": frozenset({"delivery"}),  # those of the notices on the page
    "timeline": frozenset({"recorded_event"}),  # two halves of a page each, put together
}
LISTS = {
    "history": (STREAMS_READ, f"{STREAM}/pauses?limit={LIMIT}"),
    "history from its beginning": (STREAMS_READ, f"{STREAM}/pauses?limit={LIMIT}&order=asc"),
    "timeline": (STREAMS_READ, f"{STREAM}/timeline?limit={LIMIT}"),
    "streams": (STREAMS_READ, f"/v1/streams?limit={LIMIT}"),
    "streams of a contract": (STREAMS_READ, f"/v1/streams?limit={LIMIT}&contract_id={CONTRACT}"),
    "streams by employer": (STREAMS_READ, f"/v1/streams?limit={LIMIT}&employer={chain.EMPLOYER}"),
    "streams by employee": (STREAMS_READ, f"/v1/streams?limit={LIMIT}&employee={PEOPLE[1]}"),
    "streams by status": (STREAMS_READ, f"/v1/streams?limit={LIMIT}&status=paused"),
    "streams by number": (STREAMS_READ, f"/v1/streams?limit={LIMIT}&q=15"),
    "streams by account": (STREAMS_READ, f"/v1/streams?limit={LIMIT}&q={PEOPLE[2][:12]}"),
    "who was told": (STREAMS_READ, f"{STREAM}/notices?limit={LIMIT}"),
    "inbox": (OWN, f"/v1/me/inbox?limit={LIMIT}"),
    "what is unread": (OWN, f"/v1/me/inbox?limit={LIMIT}&unread=true"),
    "notifications": (OWN, f"/v1/me/notifications?limit={LIMIT}"),
    "delivery log": (OPERATOR, f"/v1/deliveries?limit={LIMIT}"),
    "log": (AUDIT_READ, f"/v1/audit/log?limit={LIMIT}"),
    "log from its beginning": (AUDIT_READ, f"/v1/audit/log?limit={LIMIT}&order=asc"),
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_touches_about_what_it_shows(served, name):
    scope, path = LISTS[name]
    key = served.make_key(scope, account=EMPLOYEE, requests_per_minute=None)
    whole = WHOLE.get(name, NOTHING)
    assert faults(served, await asked(served, path, key), all_of_them=whole) == []
    beyond = await second_page(served, path, key)
    assert faults(served, await asked(served, beyond, key), all_of_them=whole) == []


async def test_the_feed_goes_on_from_where_its_reader_was(served):
    head = (await served.ask("/v1/status", key=None)).json()["head_position"]
    path = f"/v1/feed?follow=false&last_event_id={head - LIMIT}"
    assert faults(served, await asked(served, path, served.key)) == []


async def test_an_export_of_some_finds_their_streams_by_index(served):
    path = f"/v1/export/pauses.ndjson?employee={PEOPLE[0]}"
    plans = await asked(served, path, served.key)
    [export] = [plan for plan in plans if "FROM pause_view_a" in plan.statement]
    assert "ix_stream_list_a_employee" in export.text
    assert not re.search("Seq Scan stream_list_a|SCAN (stream_list_a|pause_view_a)", export.text)


async def test_what_was_read_costs_nothing_when_the_rest_is_counted(served):
    """The last test: it reads everything but a few."""
    key = served.make_key(OWN, account=EMPLOYEE, requests_per_minute=None)
    kept = (await served.ask("/v1/me/inbox?limit=3", key=key)).json()["items"]
    with served.database.begin() as conn:
        unread = "', '".join(each["notice_id"].replace("-", "") for each in kept)
        text_of = "replace(CAST(notice_id AS text), '-', '')"  # either database's way to keep it
        conn.execute(text(f"UPDATE notice SET read_at = 1 WHERE {text_of} NOT IN ('{unread}')"))
        conn.execute(text("ANALYZE"))
    for path in ("/v1/me", "/v1/me/inbox?limit=3", "/v1/me/inbox?limit=3&unread=true"):
        plans = [each for each in await asked(served, path, key) if "FROM notice" in each.statement]
        assert faults(served, plans) == []
        assert any("ix_notice_unread" in plan.text for plan in plans)
