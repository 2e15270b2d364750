"""The inbox and the delivery log over the API, on SQLite and PostgreSQL."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from domain.notice import NoticeRead
from notifier.schema import attempt, delivery
from store.clock import now_micros
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER
from tests.fakes.planned import plan_many
from tests.fakes.served import Served, ids


@pytest.fixture
def served(database) -> Served:
    return Served(database)


@pytest.fixture
def told(served) -> Served:
    """Five things the employee was told."""
    served.tell(chain.created(1), chain.paused(2), chain.resumed(3))
    served.tell(chain.paused(4), chain.resumed(5), chain.cancelled(6))
    return served


async def test_the_inbox_tells_in_words_what_happened_newest_first(told):
    page = (await told.ask("/v1/me/inbox")).json()
    kinds = ids(page["items"], "kind")
    assert sorted(kinds[:3]) == ["cancelled", "paused", "resumed"]  # planned in one go
    assert sorted(kinds[3:]) == ["paused", "resumed"]
    assert page["unread"] == 5
    notice = next(item for item in page["items"] if item["cause_event_id"] == chain.event_id(4))
    assert notice["stream_id"] == "7"
    assert notice["subject"]
    assert "paused" in notice["text"]
    assert notice["happened_at"].endswith("Z")
    assert notice["read_at"] is None


@pytest.mark.parametrize("limit", [1, 2, 200])
async def test_the_inbox_page_by_page_is_the_whole_inbox(told, limit):
    whole = (await told.ask("/v1/me/inbox?limit=200")).json()["items"]
    assert await told.walk("/v1/me/inbox", limit) == whole


async def test_an_inbox_shows_nobody_elses_notices(told):
    everybody = {}
    for account in (EMPLOYEE, EMPLOYER, OTHER):
        key = told.make_key("employee", account=account)
        page = (await told.ask("/v1/me/inbox", key=key)).json()
        everybody[account] = set(ids(page["items"], "notice_id"))
    assert len(everybody[EMPLOYEE]) == len(everybody[EMPLOYER]) == 5
    assert everybody[EMPLOYEE].isdisjoint(everybody[EMPLOYER])
    assert everybody[OTHER] == set()


async def test_marking_read_keeps_the_first_time_and_leaves_others_alone(told):
    items = (await told.ask("/v1/me/inbox")).json()["items"]
    own = items[0]["notice_id"]
    employer = told.make_key("employee", account=EMPLOYER)
    others = (await told.ask("/v1/me/inbox", key=employer)).json()["items"][0]["notice_id"]

    async def mark(**body: object) -> dict[str, int]:
        answer = await told.ask("/v1/me/inbox/read", method="POST", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert await mark(notice_ids=[own, others, str(uuid4())]) == {"marked": 1, "unread": 4}
    first = (await told.ask("/v1/me/inbox")).json()["items"][0]["read_at"]
    assert first is not None
    assert await mark(notice_ids=[own]) == {"marked": 0, "unread": 4}
    assert await mark(all=True) == {"marked": 4, "unread": 0}
    after = (await told.ask("/v1/me/inbox")).json()
    assert after["items"][0]["read_at"] == first
    assert (await told.ask("/v1/me/inbox?unread=true")).json()["items"] == []
    assert (await told.ask("/v1/me/inbox", key=employer)).json()["unread"] == 5
    read = [fact for fact in told.world.facts() if isinstance(fact, NoticeRead)]
    assert len(read) == 5


async def test_an_account_nobody_ever_told_anything_has_an_empty_inbox(told):
    key = told.make_key("employee", account=OTHER)
    assert (await told.ask("/v1/me/inbox", key=key)).json() == {
        "items": [],
        "next_cursor": None,
        "unread": 0,
        "suppressed": [],
    }
    answer = await told.ask("/v1/me/inbox/read", key=key, method="POST", json={"all": True})
    assert answer.json() == {"marked": 0, "unread": 0}


@pytest.fixture
def sending(served) -> Served:
    """Four emails, planned at the same time."""
    with served.database.begin() as conn:
        plan_many(conn, [f"{n}@example.test" for n in range(4)])
    return served


def deliveries(served: Served) -> list[UUID]:
    with served.database.read() as conn:
        return list(conn.scalars(select(delivery.c.delivery_id).order_by(delivery.c.delivery_id)))


def become(served: Served, delivery_id: UUID, **changes: object) -> None:
    with served.database.begin() as conn:
        conn.execute(
            update(delivery).where(delivery.c.delivery_id == delivery_id).values(**changes)
        )


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_the_delivery_log_page_by_page_is_the_whole_log(sending, limit):
    whole = (await sending.ask("/v1/deliveries?limit=200")).json()["items"]
    assert len(whole) == 4
    assert await sending.walk("/v1/deliveries", limit) == whole


async def test_the_delivery_log_names_no_destination(sending):
    page = (await sending.ask("/v1/deliveries")).text
    assert "example.test" not in page
    assert "contact" not in page
    [item] = (await sending.ask("/v1/deliveries?limit=1")).json()["items"]
    assert (item["channel"], item["state"], item["stream_id"]) == ("email", "pending", "7")
    assert item["planned_at"].endswith("Z")


async def test_deliveries_are_found_by_what_operators_ask_for(sending):
    first, second, *_ = deliveries(sending)
    become(sending, first, state="failed", reason="rejected", provider="smtp")
    notice_id = (await sending.ask(f"/v1/deliveries/{second}")).json()["delivery"]["notice_id"]

    async def found(query: str) -> list[str]:
        page = (await sending.ask(f"/v1/deliveries?{query}")).json()
        return ids(page["items"], "delivery_id")

    assert await found("state=failed") == [str(first)]
    assert await found("reason=rejected&provider=smtp&channel=email") == [str(first)]
    assert await found("channel=sms") == []
    assert await found(f"notice_id={notice_id}") == [str(second)]


async def test_one_delivery_tells_its_tries(sending):
    [delivery_id, *_] = deliveries(sending)
    now = now_micros()
    tries = [
        {
            "delivery_id": delivery_id,
            "n": n,
            "provider": "smtp",
            "phase": "send",
            "result": result,
            "status_code": 451,
            "started_at": now,
            "worker": "w",
        }
        for n, result in ((2, None), (1, "not_sent"))
    ]
    with sending.database.begin() as conn:
        conn.execute(insert(attempt), tries)
    answer = (await sending.ask(f"/v1/deliveries/{delivery_id}")).json()
    assert answer["delivery"]["delivery_id"] == str(delivery_id)
    assert [(each["n"], each["result"]) for each in answer["attempts"]] == [
        (1, "not_sent"),
        (2, None),
    ]
    assert "worker" not in answer["attempts"][0]


@pytest.mark.parametrize(("state", "may_have_left"), [("unknown", True), ("failed", False)])
async def test_what_ended_badly_may_be_tried_again(sending, state, may_have_left):
    [delivery_id, *_] = deliveries(sending)
    become(sending, delivery_id, state=state)
    path = f"/v1/deliveries/{delivery_id}/redrive"
    answer = await sending.ask(path, method="POST")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "delivery_id": str(delivery_id),
        "state": "pending",
        "possible_duplicate": may_have_left,
    }
    again = await sending.ask(path, method="POST")
    assert again.status_code == 409
    assert again.json()["type"] == "/problems/conflict"
    assert "the delivery is pending" in again.json()["detail"]


async def test_a_delivery_never_planned_is_not_found(sending):
    for method, ending in (("GET", ""), ("POST", "/redrive")):
        answer = await sending.ask(f"/v1/deliveries/{uuid4()}{ending}", method=method)
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"


async def test_latency_tells_percentiles_of_every_stage_passed(sending):
    [delivery_id, *_] = deliveries(sending)
    become(sending, delivery_id, accepted_at=now_micros())
    answer = (await sending.ask("/v1/latency")).json()
    assert answer["deliveries"] == 4
    stages = answer["latency_seconds"]["email"]
    assert list(stages) == ["observed", "recorded", "planned", "accepted"]
    assert set(stages["accepted"]) == {"p50", "p95", "p99"}
    assert 0 < stages["observed"]["p50"] < stages["recorded"]["p50"] < stages["planned"]["p50"]
