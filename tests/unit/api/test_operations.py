"""Liveness, readiness, status and metrics."""

import shutil
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text, update

from api.attempt_tally import COMMITTED_MICROS
from domain.contract import GapHealed, GapOpened
from domain.values import contract_uuid
from notifier import facts
from notifier.facts import FactsAppender
from notifier.schema import notice, provider_health
from store import log
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.schema import evidence_outcome, ledger_close
from tests.fakes import chain
from tests.fakes.chain import CONTRACT
from tests.fakes.planned import plan_many
from tests.fakes.planning import NETWORK
from tests.fakes.served import Served
from tests.fakes.tried import tried

EVENTS = "pausewire_events_total"


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    return Served(sqlite_database)


def close_now(served: Served, ledger: int, seconds_ago: int = 0) -> None:
    """Store a close time by the real clock; one ledger before it five seconds earlier."""
    now = now_micros() // 1_000_000 - seconds_ago
    with served.database.begin() as conn:
        conn.execute(ledger_close.delete())
        rows = [{"ledger": ledger - n, "closed_at": now - 5 * n} for n in (1, 0)]
        conn.execute(insert(ledger_close), rows)


def gap(served: Served, event: type, **more: object) -> None:
    contract_id = contract_uuid(NETWORK, CONTRACT)
    with served.database.begin() as conn:
        version = len(log.read_aggregate(conn, contract_id)) + 1
        found = event(contract_id, version, CONTRACT, 10, 20, **more, noticed_at=1)
        log.append(conn, [found], recorded_at=1)
    served.follow()


async def test_a_process_is_alive_whatever_its_database_does(served, tmp_path):
    (tmp_path / "pausewire.db").unlink()
    assert (await served.ask("/livez", key=None)).json() == {"status": "alive"}


async def test_a_process_with_its_database_is_ready(served):
    for path in ("/readyz", "/health"):
        answer = await served.ask(path, key=None)
        assert answer.json() == {"status": "ready", "checks": ["database", "schema"]}


async def test_a_missing_table_is_named(served):
    with served.database.begin() as conn:
        conn.execute(text("DROP TABLE api_key"))
    answer = await served.ask("/readyz", key=None)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/not-ready"
    assert answer.json()["reasons"] == ["schema: no table api_key"]


async def test_an_unreachable_database_is_named_and_keyed_routes_say_try_again(
    sqlite_template: Path, tmp_path: Path
):
    folder = tmp_path / "gone"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "p.db")
    database = Database.open(f"sqlite:///{folder}/p.db")
    served = Served(database)
    database.close()
    shutil.rmtree(folder)
    answer = await served.ask("/readyz", key=None)
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["database: UnusableDatabase"])
    answer = await served.ask("/v1/streams")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await served.ask("/metrics")).text.count("pausewire_database_up 0.0") == 1


async def test_following_is_ready_when_it_is_close_and_complete(served):
    assert (await served.ask("/readyz?role=index")).json()["reasons"] == [
        "lag: nothing was scanned yet"
    ]
    served.scanned(1, 500)
    close_now(served, 500)
    answer = await served.ask("/readyz?role=index")
    assert answer.json()["checks"] == ["database", "schema", "gaps", "lag"]


async def test_an_open_gap_makes_following_unready_but_not_serving(served):
    served.scanned(21, 500)
    close_now(served, 500)
    gap(served, GapOpened)
    answer = await served.ask("/readyz?role=index")
    assert (answer.status_code, answer.json()["reasons"]) == (
        503,
        [f"gap open: {CONTRACT} ledgers 10-20"],
    )
    assert (await served.ask("/readyz")).status_code == 200
    assert (await served.ask("/v1/status")).json()["completeness"] == "gap"
    gap(served, GapHealed, healed_by="storage")
    assert (await served.ask("/readyz?role=index")).status_code == 200
    assert (await served.ask("/v1/status")).json()["completeness"] == "complete"


async def test_a_lag_beyond_its_limit_is_told_with_both_numbers(served):
    served.scanned(1, 500)
    close_now(served, 500, seconds_ago=26 * 5)
    answer = await served.ask("/readyz?role=index")
    assert answer.json()["reasons"] == ["lag: 26 ledgers behind, 24 are allowed"]


async def test_notices_are_late_when_planning_is_behind_the_log(served):
    answer = await served.ask("/readyz?role=notify", key=None)
    assert answer.json()["checks"] == ["database", "schema", "planning"]
    served.world.record(chain.created(400))
    assert (await served.ask("/readyz?role=notify")).status_code == 200
    minute_ago = now_micros() - 60_000_000
    found = GapOpened(contract_uuid(NETWORK, CONTRACT), 1, CONTRACT, 1, 2, noticed_at=1)
    served.world.plan()
    with served.database.begin() as conn:
        log.append(conn, [found], recorded_at=minute_ago)
    answer = await served.ask("/readyz?role=notify")
    assert answer.status_code == 503
    (reason,) = answer.json()["reasons"]
    assert reason.startswith("the follower plan is 1 events and 60 s behind, 30 s are promised")
    assert (await served.ask("/readyz")).status_code == 200
    assert (await served.ask("/v1/status")).json()["planning_lag_seconds"] >= 60
    metrics = await scraped(served)
    assert metrics["pausewire_follower_lag_events", labels(follower="plan")] == 1
    assert metrics["pausewire_follower_lag_seconds", labels(follower="plan")] >= 60
    assert metrics["pausewire_follower_lag_events", labels(follower="projections")] == 2
    assert metrics["pausewire_follower_lag_seconds", labels(follower="actors")] == 0
    served.follow()
    assert (await served.ask("/readyz?role=notify")).status_code == 200


async def test_the_public_status_says_how_the_deployment_is(served):
    served.scanned(1, 500)
    close_now(served, 500)
    served.tell(chain.created(400))
    status = (await served.ask("/v1/status", key=None)).json()
    head = status.pop("head_position")
    assert head >= 1
    assert status == {
        "network_id": NETWORK,
        "contracts": [CONTRACT],
        "fresh_to_ledger": 500,
        "completeness": "complete",
        "lag_ledgers": 0,
        "lag_limit_ledgers": 24,
        "planning_lag_seconds": 0,
        "explorer_url": None,
        "web_push_key": None,
        "banner": None,
    }
    assert (await served.ask("/version", key=None)).json() == {"version": "0.0.test"}


async def scraped(served: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await served.ask("/metrics", key=None)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


async def test_metrics_tell_what_was_recorded_followed_and_delivered(served):
    served.scanned(1, 500)
    close_now(served, 500)
    served.tell(chain.created(400), chain.paused(401), chain.paused(402))
    with served.database.begin() as conn:
        plan_many(conn, ["a@example.test"])
        breaker = {"provider": "smtp", "state": "open", "failures": 9}
        conn.execute(insert(provider_health).values(**breaker, next_try_at=1, changed_at=1))
    FactsAppender(served.database, poll_seconds=0.01).step()
    found = await scraped(served)
    assert found["pausewire_database_up", ()] == 1
    assert found["pausewire_ledger_lag_ledgers", ()] == 0
    assert found["pausewire_gaps_open", ()] == 0
    assert found["pausewire_projection_lag_events", ()] > 0  # the facts about notices just appended
    kind = "stream.paused"
    assert found["pausewire_events_total", labels(kind=kind, outcome="applied")] == 1
    assert found["pausewire_events_total", labels(kind=kind, outcome="refused")] == 1
    assert found["pausewire_queue_depth", labels(queue="pending")] == 1
    assert found["pausewire_outbox_oldest_seconds", ()] >= 0
    assert found["pausewire_provider_circuit", labels(provider="smtp", state="open")] == 1
    latency = "pausewire_stage_latency_seconds"
    assert found[latency, labels(stage="planned", channel="email", quantile="0.5")] > 0
    told = [name for name in found if name[0] == "pausewire_deliveries_total"]
    assert told == []  # in-app rows are delivered as they are planned: no change of state


async def test_contract_events_that_became_no_fact_are_counted_by_what_became_of_them(served):
    outcomes = ("applied", "ignored", "quarantined", "quarantined")
    rows = [(f"{n:019d}-0000000000", 1, outcome) for n, outcome in enumerate(outcomes)]
    with served.database.begin() as conn:
        columns = ("event_id", "n", "outcome")
        insert_many(conn, evidence_outcome, columns, rows, on_conflict="error")
    found = await scraped(served)
    counted = {name[1]: value for name, value in found.items() if name[0] == EVENTS}
    assert counted == {
        labels(kind="none", outcome="ignored"): 1,
        labels(kind="none", outcome="quarantined"): 2,
    }


async def test_attempts_are_counted_by_how_they_ended(served):
    await scraped(served)
    long_ago = now_micros() - COMMITTED_MICROS
    with served.database.begin() as conn:
        (planned,) = plan_many(conn, ["a@example.test"])
        tried(conn, planned, 1, result="not_sent", ended_at=long_ago)
        tried(conn, planned, 2, result="accepted", ended_at=long_ago)
    found = await scraped(served)
    for result in ("not_sent", "accepted"):
        given = labels(channel="email", provider="smtp", result=result)
        assert found["pausewire_attempts_total", given] == 1


async def test_what_was_told_is_counted_by_how_soon_and_each_delivery_once(served):
    await scraped(served)
    told_at = now_micros() - COMMITTED_MICROS
    with served.database.begin() as conn:
        plan_many(conn, ["a@example.test", "b@example.test"], accepted_at=told_at)
        plan_many(conn, ["c@example.test"])
        conn.execute(update(notice).values(closed_at=told_at // 1_000_000 - 20))
    for _ in range(2):
        found = await scraped(served)
        for end, count in (("10", 0), ("30", 2), ("+Inf", 2)):
            assert found["pausewire_told_seconds_bucket", labels(channel="email", le=end)] == count
        assert found["pausewire_told_seconds_count", labels(channel="email")] == 2
        assert 40 <= found["pausewire_told_seconds_sum", labels(channel="email")] < 42


async def test_the_databases_size_is_told(served):
    found = await scraped(served)
    with served.database.read() as conn:
        pages = conn.execute(text("PRAGMA page_count")).scalar_one()
    assert found["pausewire_storage_bytes", labels(table="database")] == pages * 4096


async def test_a_delivery_that_changes_state_is_counted_by_channel_and_reason(served):
    from uuid import uuid4

    from domain.notice import DeliveryChanged

    changed = DeliveryChanged(
        uuid4(), 0, uuid4(), "email", "-", "failed", "rejected", 1, "smtp", changed_at=1
    )
    with served.database.begin() as conn:
        facts.remember(conn, [changed], 1)
    FactsAppender(served.database, poll_seconds=0.01).step()
    found = await scraped(served)
    given = labels(channel="email", state="failed", reason="rejected")
    assert found["pausewire_deliveries_total", given] == 1


async def test_requests_are_counted_by_the_route_and_never_by_the_path(served):
    for path in ("/livez", "/v1/streams/x/1", "/secret-1", "/secret-2"):
        await served.ask(path)
    await served.ask("/livez", method="BREW")
    found = await scraped(served)
    count = "pausewire_http_requests_total"
    assert found[count, labels(route="/livez", method="GET", status="200")] == 1
    assert found[count, labels(route="/livez", method="other", status="405")] == 1
    template = "/v1/streams/{contract_id}/{stream_id}"
    assert found[count, labels(route=template, method="GET", status="422")] == 1
    assert found[count, labels(route="unmatched", method="GET", status="404")] == 2
    assert found["pausewire_http_request_seconds_count", labels(route="/livez")] == 2
    assert not any("secret" in str(name) for name in found)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "testclient", ""])
async def test_metrics_answer_only_to_their_networks(served, address):
    served.client_address = address
    answer = await served.ask("/metrics")
    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/network-refused"
