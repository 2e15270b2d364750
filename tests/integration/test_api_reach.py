"""Who signed in reads the own streams and no others, on every route and both databases."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import event, text

from domain.values import stream_uuid
from projections import pause_list, stream_pages, streams
from projections.reach import Reach
from projections.stream_filters import Filters
from store.bulk import insert_many
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE, EMPLOYER, GENESIS, OTHER
from tests.fakes.planning import NETWORK
from tests.fakes.served import Served, ids
from tests.fakes.wallet import person

ELSEWHERE = "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"
NEVER = "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSC4"
STRANGER = person("stranger").public_key
THEIRS = person("theirs").public_key
OF_A_STREAM = (
    "",
    "/pauses",
    "/pauses?order=asc&limit=1",
    "/timeline",
    "/notices",
    "/badge.svg",
    "?as_of_ledger=50",
    f"?as_of={datetime.fromtimestamp(GENESIS + 250, UTC).isoformat().replace('+00:00', 'Z')}",
    "/pauses?as_of_ledger=50",
)
OF_A_CONTRACT = ("", "/pauses")


def elsewhere(fact):
    """The same, of another contract and other people."""
    return msgspec.structs.replace(
        fact, contract_id=ELSEWHERE, event_id=fact.event_id + "e", employer=THEIRS, employee=THEIRS
    )


@pytest.fixture
def served(database) -> Served:
    """Stream 7 pays EMPLOYEE, stream 8 OTHER, both by EMPLOYER; a third contract's stream 7 is THEIRS."""
    served = Served(database, contracts=(CONTRACT, ELSEWHERE))
    served.scanned(1, 100)
    served.scanned(1, 90, ELSEWHERE)
    served.tell(
        chain.created(1),
        chain.created(1, 1, stream_id=8, employee=OTHER),
        chain.paused(10),
        chain.paused(10, 1, stream_id=8, employee=OTHER),
        chain.contract_pause(12),
        elsewhere(chain.created(2)),
        elsewhere(chain.paused(11)),
    )
    return served


def stream_path(number: int, contract: str = CONTRACT) -> str:
    return f"/v1/streams/{contract}/{number}"


async def test_both_parties_read_their_stream_on_every_route(served):
    for account in (EMPLOYEE, EMPLOYER):
        token = served.make_session(account)
        for route in OF_A_STREAM:
            answer = await served.ask(stream_path(7) + route, key=token)
            assert answer.status_code == 200, (account, route, answer.text)
            full = await served.ask(stream_path(7) + route)
            assert answer.content == full.content


async def test_a_stream_of_others_answers_as_one_that_never_was(served):
    token = served.make_session(EMPLOYEE)
    for route in OF_A_STREAM:
        theirs = await served.ask(stream_path(8) + route, key=token)
        never = await served.ask(stream_path(999) + route, key=token)
        assert (theirs.status_code, never.status_code) == (404, 404), route
        assert theirs.text.replace(" 8 ", " 999 ").replace("/8", "/999") == never.text
        assert set(theirs.headers) == set(never.headers)


async def test_a_contract_is_shown_to_who_has_a_stream_there(served):
    for account, status in ((EMPLOYEE, 200), (EMPLOYER, 200), (STRANGER, 404), (THEIRS, 404)):
        token = served.make_session(account)
        for route in OF_A_CONTRACT:
            answer = await served.ask(f"/v1/contracts/{CONTRACT}{route}", key=token)
            assert answer.status_code == status, (account, route)
    followed = await served.ask(f"/v1/contracts/{CONTRACT}", key=served.make_session(STRANGER))
    never = await served.ask(f"/v1/contracts/{NEVER}", key=served.make_session(STRANGER))
    assert followed.text.replace(CONTRACT, "C") == never.text.replace(NEVER, "C")


async def test_lists_have_the_own_streams_whatever_is_asked_for(served):
    everything: dict[str, list[tuple[str, str]]] = {
        EMPLOYEE: [(CONTRACT, "7")],
        OTHER: [(CONTRACT, "8")],
        EMPLOYER: [(CONTRACT, "7"), (CONTRACT, "8")],
        THEIRS: [(ELSEWHERE, "7")],
        STRANGER: [],
    }
    for account, own in everything.items():
        token = served.make_session(account)

        async def listed(query: str, token: str = token) -> list[tuple[str, str]]:
            rows = await served.walk(f"/v1/streams{query}", 1, token)
            return [(row["contract_id"], row["stream_id"]) for row in rows]

        assert sorted(await listed("")) == sorted(own)
        assert await listed(f"?employee={OTHER}") == [each for each in own if each[1] == "8"]
        assert sorted(await listed("?status=paused")) == sorted(own)
        for contract in (CONTRACT, ELSEWHERE):
            of_it = [each for each in own if each[0] == contract]
            assert await listed(f"?contract_id={contract}") == of_it
        assert sorted(await listed("?q=7")) == sorted(each for each in own if each[1] == "7")


async def test_pages_of_who_is_both_parties_have_each_stream_once(served):
    for number in range(20, 40):
        fact = chain.created(20, number, stream_id=number)
        parties = ((STRANGER, THEIRS), (THEIRS, STRANGER), (STRANGER, STRANGER), (OTHER, OTHER))
        employer, employee = parties[number % 4]
        served.world.record(msgspec.structs.replace(fact, employer=employer, employee=employee))
    served.follow()
    token = served.make_session(STRANGER)
    own = [str(number) for number in range(20, 40) if number % 4 != 3]
    for limit in (1, 4, 200):
        assert ids(await served.walk("/v1/streams", limit, token), "stream_id") == own


async def test_the_freshness_of_a_list_tells_nothing_of_contracts_beyond_reach(served):
    token = served.make_session(EMPLOYEE)

    async def fresh(query: str) -> int:
        return (await served.ask(f"/v1/streams{query}", key=token)).json()["fresh_to_ledger"]

    assert await fresh(f"?contract_id={CONTRACT}") == 100
    assert await fresh("") == 90  # a stream of theirs may begin in any contract
    assert await fresh(f"?contract_id={ELSEWHERE}") == await fresh(f"?contract_id={NEVER}")


async def test_exports_have_the_own_pauses_and_those_of_the_own_contracts(served):
    async def exported(account: str, query: str = "") -> list[tuple[str, str | None]]:
        token = served.make_session(account)
        answer = await served.ask(f"/v1/export/pauses.ndjson{query}", key=token)
        assert answer.status_code == 200
        rows = [json.loads(line) for line in answer.text.splitlines()]
        return [(row["contract_id"], row["stream_id"]) for row in rows]

    assert await exported(EMPLOYEE) == [(CONTRACT, None), (CONTRACT, "7")]
    assert await exported(EMPLOYER) == [(CONTRACT, None), (CONTRACT, "7"), (CONTRACT, "8")]
    assert await exported(THEIRS) == [(ELSEWHERE, "7")]
    assert await exported(STRANGER) == []
    assert await exported(EMPLOYEE, f"?employee={OTHER}") == []
    for form in ("csv", "parquet"):
        token = served.make_session(EMPLOYEE)
        answer = await served.ask(f"/v1/export/pauses.{form}", key=token)
        assert OTHER.encode() not in answer.content


async def heard(served: Served, account: str) -> list[tuple[str, str | None]]:
    """Kind and stream of everything that a session is sent, from the beginning on."""
    token = served.make_session(account)
    answer = await served.ask("/v1/feed?follow=false&last_event_id=0", key=token)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    said = [json.loads(line.removeprefix("data: ")) for line in lines]
    return [(each["kind"], each["stream_id"]) for each in said]


async def test_the_feed_has_news_of_the_own_streams_and_their_contracts(served):
    own = [("created", "7"), ("paused", "7"), ("pause_set", None)]
    assert sorted(await heard(served, EMPLOYEE), key=str) == sorted(own, key=str)
    assert len(await heard(served, EMPLOYER)) == 5
    assert await heard(served, THEIRS) == [("created", "7"), ("paused", "7")]
    assert await heard(served, STRANGER) == []


async def test_the_feed_of_who_got_a_stream_begins_with_that(served):
    served.tell(chain.transferred(20, to=STRANGER), chain.resumed(30, employee=STRANGER))
    told = await heard(served, STRANGER)
    assert told[-2:] == [("employee_transferred", "7"), ("resumed", "7")]
    gave_up = await heard(served, EMPLOYEE)
    assert ("employee_transferred", "7") in gave_up
    assert ("resumed", "7") not in gave_up


async def test_who_gave_a_stream_up_reads_it_no_more_and_who_got_it_all_of_it(served):
    served.tell(chain.transferred(20, to=STRANGER))
    before, after = served.make_session(EMPLOYEE), served.make_session(STRANGER)
    for route in OF_A_STREAM:
        assert (await served.ask(stream_path(7) + route, key=before)).status_code == 404
        assert (await served.ask(stream_path(7) + route, key=after)).status_code == 200
    assert (await served.ask(f"/v1/contracts/{CONTRACT}", key=before)).status_code == 404


async def test_a_public_badge_is_everybodys(database):
    served = Served(database, public_badges=True)
    served.tell(chain.created(1))
    for key in (None, served.make_session(STRANGER), "nonsense"):
        answer = await served.ask(f"{stream_path(7)}/badge.svg", key=key)
        assert answer.status_code == 200


ROWS = 4_000


@pytest.fixture
def crowded(database) -> Served:
    """A list of streams in which one account has a few."""
    rows = [
        (
            stream_uuid(NETWORK, f"C{n % 40}", n),
            f"C{n % 40}",
            n,
            ("active", "paused")[n % 2],
            f"G{n // 40}",
            f"G{n}",
        )
        for n in range(ROWS)
    ]
    names = ("originator_id", "contract_id", "stream_id", "status", "employer", "employee")
    with database.begin() as conn:
        insert_many(conn, streams.LISTS["a"], names, rows, on_conflict="error")
    if database.dialect == "postgresql":
        with database.begin() as conn:
            conn.execute(text("ANALYZE stream_list_a"))
    return Served(database)


def plan_of(served: Served, query) -> str:
    """What the database says of the query with its values, as it is sent."""
    word = "EXPLAIN" if served.database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"

    def explaining(conn, cursor, statement, parameters, context, executemany):
        return f"{word} {statement}", parameters

    with served.database.read() as conn:
        event.listen(conn, "before_cursor_execute", explaining, retval=True)
        return "\n".join(row[-1] for row in conn.execute(query).cursor.fetchall())


QUERIES: dict[str, Callable[[Reach], object]] = {
    "list": lambda reach: stream_pages.page("a", limit=51, reach=reach).statement,
    "list_goes_on": lambda reach: (
        stream_pages.page("a", limit=51, after=("C2", 9), reach=reach).statement
    ),
    "list_filtered": lambda reach: (
        stream_pages.page("a", limit=51, status="paused", reach=reach).statement
    ),
    "export": lambda reach: pause_list.of_streams("a", Filters(), reach),
}


@pytest.mark.parametrize("name", QUERIES)
def test_the_own_streams_are_found_by_index(crowded, name):
    plan = plan_of(crowded, QUERIES[name](Reach(account="G7")))
    for party in ("employer", "employee"):
        assert f"ix_stream_list_a_{party}" in plan, plan
    assert "Seq Scan on stream_list_a" not in plan, plan
    assert "SCAN stream_list_a" not in plan, plan


def test_the_contracts_of_an_account_are_found_by_index(crowded):
    plan = plan_of(crowded, pause_list.of_contracts("a", Filters(), Reach(account="G7")))
    for party in ("employer", "employee"):
        assert f"ix_stream_list_a_{party}" in plan, plan


def limited(served: Served, *contracts: str, scopes: tuple[str, ...] = ("streams:read",)) -> str:
    return served.make_key(*scopes, account=None, contracts=contracts)


async def test_a_limited_key_reads_its_contracts_whole_and_nothing_else(served):
    key = limited(served, CONTRACT)
    for route in OF_A_STREAM:
        for number, status in ((7, 200), (8, 200), (999, 404)):
            answer = await served.ask(stream_path(number) + route, key=key)
            assert answer.status_code == status, (number, route)
        answer = await served.ask(stream_path(7, ELSEWHERE) + route, key=key)
        assert answer.status_code == 404, route
    for route in OF_A_CONTRACT:
        assert (await served.ask(f"/v1/contracts/{CONTRACT}{route}", key=key)).status_code == 200
        assert (await served.ask(f"/v1/contracts/{ELSEWHERE}{route}", key=key)).status_code == 404


@pytest.mark.parametrize("contracts", [(CONTRACT,), (ELSEWHERE,), (CONTRACT, ELSEWHERE), (NEVER,)])
async def test_lists_exports_and_feed_of_a_limited_key_have_its_contracts(served, contracts):
    key = limited(served, *contracts)
    for limit in (1, 50):
        rows = await served.walk("/v1/streams", limit, key)
        full = [
            row for row in await served.walk("/v1/streams", 50) if row["contract_id"] in contracts
        ]
        assert rows == full
    for path in ("/v1/export/pauses.ndjson", "/v1/feed?follow=false&last_event_id=0"):
        told = (await served.ask(path, key=key)).text
        for contract in (CONTRACT, ELSEWHERE):
            assert (contract in told) == (contract in contracts), path
    elsewhere = await served.ask(f"/v1/streams?contract_id={ELSEWHERE}", key=key)
    assert bool(elsewhere.json()["items"]) == (ELSEWHERE in contracts)


async def test_the_freshness_of_a_limited_key_is_that_of_its_contracts(served):
    for contract, ledger in ((CONTRACT, 100), (ELSEWHERE, 90)):
        key = limited(served, contract)
        for query in ("", f"?contract_id={CONTRACT}", f"?contract_id={ELSEWHERE}"):
            answer = await served.ask(f"/v1/streams{query}", key=key)
            assert answer.json()["fresh_to_ledger"] == ledger


async def test_a_limited_key_keeps_webhooks_about_its_contracts_only(served):
    both = ("streams:read", "webhooks:write")
    key, other = (limited(served, each, scopes=both) for each in (CONTRACT, ELSEWHERE))

    async def subscribe(key: str, **wanted: str):
        body = {"url": "https://hooks.example.org/", **wanted}
        return await served.ask("/v1/webhooks", key=key, method="POST", json=body)

    for wanted in ({}, {"contract_id": ELSEWHERE}):
        answer = await subscribe(key, **wanted)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scope-missing")
    made = await subscribe(key, contract_id=CONTRACT)
    assert made.status_code == 201, made.text
    own = f"/v1/webhooks/{made.json()['webhook_id']}"
    assert (await served.ask(own, key=key)).status_code == 200
    assert (await served.ask(own, key=other)).status_code == 404
    assert (await served.ask("/v1/webhooks", key=other)).json()["items"] == []
    assert (await served.ask(own, key=other, method="DELETE")).status_code == 404
