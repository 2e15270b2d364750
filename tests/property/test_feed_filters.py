"""The feed with filters is the log, filtered: whatever the filters, and from wherever one goes on."""

import asyncio
import json
import random
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.chain_order import FactConfirmed, FactJudged, HistoryRevised
from domain.contract import GapHealed, GapOpened
from domain.facts import EmployeeTransferred
from domain.values import contract_uuid
from notifier.facts import FactsAppender
from store import log
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE, GENESIS, OTHER
from tests.fakes.planning import NETWORK
from tests.fakes.served import Served

STREAMS = (1, 2, 2**64 - 1)


@pytest.fixture(scope="module")
def served(tmp_path_factory, sqlite_template) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("feed") / "p.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database.open(f"sqlite:///{path}")
    made = Served(database)
    tell_a_life(made)
    yield made
    database.close()


def tell_a_life(served: Served) -> None:
    """Facts on time, late ones with their revisions, transfers, contract-wide events, gaps, notices."""
    luck = random.Random(3)
    served.tell(*(chain.created(10, n, stream_id=n % 97) for n in (1, 2)))
    for ledger in range(20, 120):
        stream = luck.choice(STREAMS)
        make = luck.choice(
            (chain.paused, chain.resumed, chain.created, chain.transferred, chain.contract_pause)
        )
        fact = make(ledger) if make is chain.contract_pause else make(ledger, stream_id=stream)
        late = luck.random() < 0.2
        served.tell(replace_ledger(fact, ledger - 15) if late else fact, job="j" if late else None)
        FactsAppender(served.database, poll_seconds=1).step()  # notices stand between
    contract = contract_uuid(NETWORK, CONTRACT)
    with served.database.begin() as conn:
        version = len(log.read_aggregate(conn, contract)) + 1
        events = [
            GapOpened(contract, version, CONTRACT, 5, 9, noticed_at=GENESIS),
            GapHealed(contract, version + 1, CONTRACT, 5, 9, "storage", noticed_at=GENESIS),
        ]
        log.append(conn, events, recorded_at=1)
    served.follow()


def replace_ledger(fact, ledger: int):
    """The same, told as of an earlier ledger: it comes late."""
    place = chain.place(ledger, 5)
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return type(fact)(**fields | place)


def expected(database: Database, after: int, wanted: dict) -> list[int]:
    with database.read() as conn:
        recorded = log.read_after(conn, after, 10**6)
        places = {
            each.event.originator_id: each.event.fact
            for each in log.read_after(conn, 0, 10**6)
            if isinstance(each.event, FactJudged | FactConfirmed)
        }
    return [each.position for each in recorded if passes(each.event, places, wanted)]


def passes(event, places: dict, wanted: dict) -> bool:
    if isinstance(event, FactJudged | FactConfirmed):
        employees = {event.employee}
        if isinstance(event.fact, EmployeeTransferred):
            employees.add(event.fact.previous)
    elif isinstance(event, HistoryRevised):
        employees = {event.before.employee, event.after.employee}
    elif isinstance(event, GapOpened | GapHealed):
        return set(wanted) <= {"contract_id"} and wanted.get("contract_id", CONTRACT) == CONTRACT
    else:
        return False
    place = places[event.originator_id]
    told = {"contract_id": place.contract_id, "stream_id": str(getattr(place, "stream_id", None))}
    return all(
        value in employees if name == "employee" else told[name] == value
        for name, value in wanted.items()
    )


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "contract_id": st.sampled_from((CONTRACT, "C" + "A" * 51 + "D2KM")),
        "stream_id": st.sampled_from([str(each) for each in (*STREAMS, 5)]),
        "employee": st.sampled_from((EMPLOYEE, OTHER, chain.EMPLOYER)),
    },
)


@settings(max_examples=60, deadline=None)
@given(wanted=FILTERS, after=st.integers(0, 1000), in_header=st.booleans())
def test_the_feed_is_the_log_filtered(served, wanted, after, in_header):
    with served.database.read() as conn:
        after = min(after, log.head(conn))
    given_id = {"Last-Event-ID": str(after)} if in_header else {}
    params = wanted | {"follow": "false"} | ({} if in_header else {"last_event_id": str(after)})
    answer = asyncio.run(served.ask("/v1/feed", headers=given_id, params=params))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert positions(answer) == expected(served.database, after, wanted)


def positions(answer: httpx.Response) -> list[int]:
    """The positions that messages tell; their ids say the same."""
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            told = json.loads(lines["data"])
            assert lines["id"] == str(told["position"])
            found.append(told["position"])
    return found


def test_the_log_of_this_test_has_every_kind_of_event(served):
    with served.database.read() as conn:
        recorded = [each.event for each in log.read_after(conn, 0, 10**6)]
    kinds = {type(event).__name__ for event in recorded}
    assert {"FactJudged", "HistoryRevised", "GapOpened", "GapHealed", "NoticePlanned"} <= kinds
    assert any(isinstance(event, FactJudged) and event.late for event in recorded)
