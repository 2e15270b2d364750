"""Streams, pauses, timelines and contracts as the API tells them, on SQLite and PostgreSQL."""

import pytest

from domain.contract import GapOpened
from domain.values import U64_MAX, contract_uuid
from store import log
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE, EMPLOYER, GENESIS, OTHER
from tests.fakes.planning import NETWORK
from tests.fakes.served import Served, ids

STREAM = f"/v1/streams/{CONTRACT}/7"


def at(ledger: int) -> str:
    """The close time of a ledger as answers write it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(GENESIS + ledger * 5, UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def served(database) -> Served:
    return Served(database)


async def test_a_paused_stream_says_since_when_and_by_whom(served):
    served.scanned(100, 120)
    served.tell(chain.created(100), chain.paused(110), chain.paused(111))
    answer = (await served.ask(STREAM)).json()
    assert answer == {
        "fresh_to_ledger": 120,
        "completeness": "complete",
        "contract_id": CONTRACT,
        "stream_id": "7",
        "status": "paused",
        "employer": EMPLOYER,
        "employee": EMPLOYEE,
        "proposed_employer": None,
        "delegate": None,
        "rate": None,
        "created_at": at(100),
        "status_at": at(110),
        "paused_since": at(110),
        "pause_count": 1,
        "total_paused_seconds": 0,
        "anomalies": 1,
        "paused_by": EMPLOYER,
        "paused_by_role": None,
        "contract_paused": False,
    }


async def test_a_resumed_stream_counts_its_pauses_and_names_nobody(served):
    served.tell(
        chain.created(100), chain.paused(110), chain.resumed(130), chain.contract_pause(131)
    )
    answer = (await served.ask(STREAM)).json()
    assert (answer["status"], answer["paused_since"], answer["paused_by"]) == ("active", None, None)
    assert (answer["pause_count"], answer["total_paused_seconds"]) == (1, 100)
    assert answer["contract_paused"] is True


async def test_a_pause_interval_tells_both_ends_and_that_somebody_was_told(served):
    served.tell(chain.created(100), chain.paused(110), chain.resumed(130))
    page = (await served.ask(f"{STREAM}/pauses")).json()
    assert page["items"] == [
        {
            "id": chain.event_id(110),
            "paused_at": at(110),
            "resumed_at": at(130),
            "start_known": True,
            "ended_by": "resumed",
            "start_ledger": 110,
            "end_ledger": 130,
            "start_tx_hash": f"{110:064x}",
            "end_tx_hash": f"{130:064x}",
            "start_event_id": chain.event_id(110),
            "end_event_id": chain.event_id(130),
            "duration_seconds": 100,
            "open": False,
            "paused_by": EMPLOYER,
            "paused_by_role": None,
            "notified": True,
            "claimable_at_pause": None,
            "token": None,
        }
    ]


async def test_a_pause_nobody_was_told_of_yet_says_so(served):
    served.world.record(chain.created(100), chain.paused(110))
    from projections.follow import projections_follower

    projections_follower(served.database).step()
    [pause] = (await served.ask(f"{STREAM}/pauses")).json()["items"]
    assert pause["notified"] is False
    assert pause["open"] is True
    assert pause["duration_seconds"] is None


async def test_a_stream_first_met_by_its_resume_has_an_unknown_start(served):
    served.tell(chain.resumed(130))
    [pause] = (await served.ask(f"{STREAM}/pauses")).json()["items"]
    assert (pause["paused_at"], pause["start_known"], pause["id"]) == (
        None,
        False,
        chain.event_id(130),
    )
    assert (await served.ask(STREAM)).json()["total_paused_seconds"] == 0


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3])
async def test_pauses_page_by_page_equal_one_big_page(served, order, limit):
    facts = [chain.created(1)]
    for ledger in range(2, 12):
        facts += [chain.paused(ledger, 0), chain.resumed(ledger, 1), chain.paused(ledger, 2)]
        facts += [chain.resumed(ledger, 3)]
    served.tell(*facts)
    path = f"{STREAM}/pauses?order={order}"
    whole = (await served.ask(f"{path}&limit=200")).json()
    assert len(whole["items"]) == 20
    assert whole["next_cursor"] is None
    assert await served.walk(path, limit) == whole["items"]
    starts = ids(whole["items"], "start_event_id")
    assert starts == sorted(starts, reverse=order == "desc")


async def test_pauses_of_the_past_page_like_those_of_the_present(served):
    facts = [chain.created(1)]
    for ledger in range(2, 9):
        facts += [chain.paused(ledger, 0), chain.resumed(ledger, 1)]
    served.closed(*range(1, 10))
    served.tell(*facts)
    for order in ("asc", "desc"):
        path = f"{STREAM}/pauses?order={order}"
        now = await served.walk(path, 200)
        assert await served.walk(f"{path}&as_of_ledger=8", 2) == now
        known = [pause for pause in now if pause["start_ledger"] <= 4]
        assert await served.walk(f"{path}&as_of_ledger=4", 1) == known


async def test_the_timeline_tells_everything_newest_first(served):
    served.tell(chain.created(100), chain.paused(110), chain.paused(111), chain.transferred(112))
    page = await served.walk(f"{STREAM}/timeline", 1)
    assert page == (await served.ask(f"{STREAM}/timeline")).json()["items"]
    assert ids(page, "kind") == ["employee_transferred", "paused", "paused", "created"]
    assert ids(page, "employee") == [OTHER, EMPLOYEE, EMPLOYEE, EMPLOYEE]
    assert page[1]["verdict"].startswith("refused: ")
    assert page[0]["details"] == {"previous": EMPLOYEE, "employee": OTHER}
    assert page[0]["at"] == at(112)


async def test_late_news_stands_where_it_happened(served):
    served.tell(chain.created(100), chain.resumed(130))
    served.tell(chain.paused(110), job="job-1")
    page = (await served.ask(f"{STREAM}/timeline")).json()["items"]
    assert [(item["kind"], item["late"]) for item in page] == [
        ("resumed", False),
        ("paused", True),
        ("created", False),
    ]
    [pause] = (await served.ask(f"{STREAM}/pauses")).json()["items"]
    assert (pause["paused_at"], pause["resumed_at"]) == (at(110), at(130))


async def test_a_stream_as_of_a_ledger_or_a_time_is_what_it_was(served):
    served.closed(100, 110, 120, 130, 140)
    served.tell(
        chain.created(100),
        chain.paused(110),
        chain.contract_pause(115),
        chain.resumed(130),
        chain.contract_pause(135, value=False),
    )
    then = (await served.ask(f"{STREAM}?as_of_ledger=120")).json()
    assert (then["status"], then["paused_since"], then["paused_by"]) == (
        "paused",
        at(110),
        EMPLOYER,
    )
    assert then["total_paused_seconds"] == 50
    assert then["contract_paused"] is True
    by_time = (await served.ask(STREAM, params={"as_of": at(120)})).json()
    assert by_time == then
    zoned = at(120).replace("Z", "+00:00")
    assert (await served.ask(f"{STREAM}?as_of={zoned}")).json() == then  # `+` unescaped
    later = (await served.ask(STREAM, params={"as_of": at(10**6)})).json()
    now = (await served.ask(STREAM)).json()
    assert later == now
    assert later["contract_paused"] is False


async def test_an_open_pause_never_runs_beyond_what_is_known(served):
    served.closed(100, 110, 120)
    served.tell(chain.created(100), chain.paused(110))
    future = (await served.ask(STREAM, params={"as_of": "2999-01-01T00:00:00Z"})).json()
    assert future["total_paused_seconds"] == 50


async def test_what_was_not_there_yet_is_not_found(served):
    served.closed(90, 100)
    served.tell(chain.created(100))
    for question in ({"as_of_ledger": 90}, {"as_of": at(90)}, {"as_of": "0001-01-01T00:00:00Z"}):
        for path in (STREAM, f"{STREAM}/pauses"):
            answer = await served.ask(path, params=question)
            assert answer.status_code == 404, answer.text
            assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("path", ["", "/pauses", "/timeline"])
async def test_a_stream_never_seen_is_not_found(served, path):
    answer = await served.ask(f"/v1/streams/{CONTRACT}/8{path}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"no stream 8 of {CONTRACT} is known"


async def test_a_stream_without_pauses_has_an_empty_page(served):
    served.tell(chain.created(100))
    page = (await served.ask(f"{STREAM}/pauses")).json()
    assert (page["items"], page["next_cursor"]) == ([], None)


@pytest.fixture
def many(served) -> Served:
    served.tell(
        *(chain.created(100, n, stream_id=n) for n in range(1, 30)),
        chain.created(100, 99, stream_id=U64_MAX, employee=OTHER),
        chain.paused(101, 5, stream_id=5),
    )
    return served


@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_streams_page_by_page_are_all_streams_once(many, limit):
    found = ids(await many.walk("/v1/streams", limit), "stream_id")
    assert found == [*(str(n) for n in range(1, 30)), str(U64_MAX)]


async def test_filters_add_up(many):
    async def found(**filters: object) -> list[str]:
        page = (await many.ask("/v1/streams", params={"limit": 200, **filters})).json()
        return ids(page["items"], "stream_id")

    assert await found(status="paused") == ["5"]
    assert await found(employee=OTHER) == [str(U64_MAX)]
    assert len(await found(employer=EMPLOYER, contract_id=CONTRACT)) == 30
    assert await found(employee=OTHER, status="paused") == []
    assert await found(q="2") == ["2", *(str(n) for n in range(20, 30))]
    assert await found(q="1844674") == [str(U64_MAX)]
    assert await found(q=OTHER[:9]) == [str(U64_MAX)]


async def test_a_contract_tells_its_own_pauses_coverage_and_gaps(served):
    served.scanned(100, 140)
    contract_id = contract_uuid(NETWORK, CONTRACT)
    served.tell(chain.contract_pause(110), chain.contract_pause(120, value=False))
    with served.database.begin() as conn:
        version = len(log.read_aggregate(conn, contract_id)) + 1
        gap = GapOpened(contract_id, version, CONTRACT, 50, 99, noticed_at=GENESIS)
        log.append(conn, [gap], recorded_at=1)
    served.follow()
    answer = (await served.ask(f"/v1/contracts/{CONTRACT}")).json()
    assert answer["completeness"] == "gap"
    assert answer["coverage"] == [{"from_ledger": 100, "to_ledger": 140}]
    assert answer["gaps"] == [
        {
            "from_ledger": 50,
            "to_ledger": 99,
            "since": at(0),
            "healed_by": None,
            "healed_at": None,
        }
    ]
    assert (answer["paused"], answer["pause_count"], answer["total_paused_seconds"]) == (
        False,
        1,
        50,
    )
    assert answer["pauses"] == await served.walk(f"/v1/contracts/{CONTRACT}/pauses", 1)
    assert ids(answer["pauses"], "start_ledger") == [110]


async def test_a_followed_contract_without_events_is_known_and_another_is_not(served):
    quiet = (await served.ask(f"/v1/contracts/{CONTRACT}")).json()
    assert (quiet["paused"], quiet["pauses"], quiet["fresh_to_ledger"]) == (False, [], None)
    from api.schemas import CONTRACT as ANOTHER

    for path in (f"/v1/contracts/{ANOTHER}", f"/v1/contracts/{ANOTHER}/pauses"):
        assert (await served.ask(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/streams",
        STREAM,
        f"{STREAM}/pauses",
        f"{STREAM}/timeline",
        f"/v1/contracts/{CONTRACT}",
        f"/v1/contracts/{CONTRACT}/pauses",
    ],
)
async def test_an_unchanged_answer_is_not_sent_again_though_ledgers_closed(served, path):
    served.scanned(100, 120)
    served.tell(chain.created(100), chain.paused(110), chain.contract_pause(111))
    first = await served.ask(path)
    assert first.headers["Pausewire-Fresh-To-Ledger"] == "120"
    tag = first.headers["ETag"]
    from sqlalchemy import update

    from store.schema import scanned_range

    with served.database.begin() as conn:
        conn.execute(update(scanned_range).values(to_ledger=125))
    same = await served.ask(path, headers={"If-None-Match": f'"other", {tag}'})
    if path == f"/v1/contracts/{CONTRACT}":  # its coverage has grown
        assert same.status_code == 200
        return
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["Pausewire-Fresh-To-Ledger"] == "125"
    assert same.headers["ETag"] == tag
    fresh = await served.ask(path)
    assert fresh.json() == first.json() | {"fresh_to_ledger": 125}
    served.tell(chain.resumed(126), chain.contract_pause(127, value=False))
    changed = await served.ask(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


@pytest.mark.postgres
async def test_the_apps_end_closes_its_connections(postgres_url):
    served = Served(Database.open(postgres_url))
    engine = served.database.async_engine()
    async with engine.connect():
        pass
    assert engine.pool.checkedin() == 1
    events = iter(("lifespan.startup", "lifespan.shutdown"))
    answers: list[str] = []

    async def receive():
        return {"type": next(events)}

    async def send(message):
        answers.append(message["type"])

    await served.app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert engine.pool.checkedin() == 0
    served.database.close()
