"""`pausewire slo`: the objectives on one screen, and as alert rules that name metrics which exist."""

import re

import pytest
import yaml
from sqlalchemy import insert

from api.request_tally import request_minute
from cli.alert_rules import LEAST_EVENTS, LEAST_FAILURES, document, rules
from config.objective_settings import ObjectiveSettings
from config.settings import Settings
from ingest.reconcile.report import reconcile_finding, reconciliation
from store.clock import now_micros
from store.schema import ingest_source
from tests.fakes.chain import CONTRACT
from tests.fakes.planned import plan
from tests.house.repository import ROOT

MINUTE = 60_000_000
METRICS = set(
    re.findall(r"^\| `(pausewire_\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
)
RULES = "deploy/prometheus/pausewire.rules.yaml"


def by_name(found):
    return {each["name"]: each for each in found["objectives"]}


def test_a_new_deployment_has_missed_nothing(command):
    found = command.json("slo", "report")
    assert found["holds"] is True
    assert {each["holds"] for each in found["objectives"]} == {None}
    assert "nothing to judge" in command.run("slo", "report").stdout


def test_a_missed_objective_is_named_with_what_burns_it(command, sqlite_database):
    with sqlite_database.begin() as conn:
        plan(conn, state="failed", reason="rejected")
        plan(conn, "sms", state="accepted", accepted_at=now_micros())
        minute = now_micros() // MINUTE
        conn.execute(insert(request_minute).values(minute=minute, requests=1000, errors=5))
        conn.execute(insert(ingest_source).values(contract_id=CONTRACT, source="live-1"))
        compared = {"streams": 9, "equal": 8, "finished_at": 1}
        conn.execute(insert(reconciliation).values(contract_id=CONTRACT, **compared))
        missed = {"n": 0, "kind": "pause_missed", "detail": "-", "healed": False}
        conn.execute(insert(reconcile_finding).values(contract_id=CONTRACT, **missed))
    found = command.json("slo", "report", code=1)
    stands = by_name(found)
    assert found["holds"] is False
    assert stands["delivery"]["actual_percent"] == 50
    assert stands["delivery"]["burning"] == [{"what": "email failed: rejected", "count": 1}]
    assert (stands["api"]["actual_percent"], stands["api"]["budget_left_percent"]) == (99.5, 50)
    assert stands["capture"]["burning"] == [{"what": "pause missed", "count": 1}]
    assert stands["latency"]["holds"] is True
    told = command.run("slo", "report", code=1).stdout
    assert "missed: delivery, capture" in told
    assert "(docs/runbooks/objective-capture.md)" in told
    assert "1 x pause missed" in told


@pytest.mark.parametrize("since", ["1h", "2099-01-01", "yesterday", "7x"])
def test_since_is_a_span_or_a_time_in_the_past(command, since):
    code = 0 if since == "1h" else 2
    assert command.run("slo", "report", "--since", since, code=code).stdout or code


def test_since_leaves_out_what_was_before(command, sqlite_database):
    with sqlite_database.begin() as conn:
        plan(conn, state="failed", planned_at=now_micros() - 120 * MINUTE)
    assert by_name(command.json("slo", "report", "--since", "1h"))["delivery"]["bad"] == 0
    assert by_name(command.json("slo", "report", "--since", "1d", code=1))["delivery"]["bad"] == 1
    assert command.json("slo", "report", "--since", "2026-01-01T00:00:00Z", code=1)


def test_the_rules_file_is_what_make_docs_writes(command):
    assert (ROOT / RULES).read_text() == document(Settings())
    assert yaml.safe_load(command.run("slo", "rules").stdout)["groups"]


def every_rule(settings=None):
    return [rule for group in rules(settings or Settings())["groups"] for rule in group["rules"]]


def test_every_alarm_asks_for_metrics_and_labels_that_are_told():
    suffixes = "_bucket|_count|_sum"
    for rule in every_rule():
        named = set(re.findall(r"\bpausewire_\w+", rule["expr"]))
        assert named, rule
        assert {re.sub(f"({suffixes})$", "", name) for name in named} <= METRICS, rule
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_every_alarm_has_a_runbook_that_names_it_or_its_metric():
    for rule in every_rule():
        page = ROOT / rule["annotations"]["runbook"]
        assert page.exists(), page
        text = page.read_text()
        assert rule["alert"] in text or set(re.findall(r"pausewire_\w+", rule["expr"])) & set(
            re.findall(r"pausewire_\w+", text)
        ), rule["alert"]


def test_no_two_rules_are_one():
    keys = [(rule["alert"], tuple(rule["labels"].items())) for rule in every_rule()]
    assert len(set(keys)) == len(keys)


def test_the_limits_follow_from_what_is_promised():
    strict = Settings(objectives=ObjectiveSettings(api_percent=99.9, latency_seconds=12.5))
    (paged,) = [
        rule
        for rule in every_rule(strict)
        if (rule["alert"], rule["labels"]["severity"]) == ("PausewireApiBurns", "page")
        and rule["labels"]["window"] == "1h"
    ]
    assert paged["expr"].count("> 0.0084\n") == 2  # 0.001 allowed, 8.4 times too fast
    assert f">= {LEAST_EVENTS}" in paged["expr"]
    assert paged["expr"].endswith(f">= {LEAST_FAILURES}")
    assert any(r"12\\.5" in rule["expr"] for rule in every_rule(strict))


def test_a_promise_of_everything_has_no_budget_to_burn():
    sure = Settings(objectives=ObjectiveSettings(api_percent=100))
    assert "PausewireApiBurns" not in {rule["alert"] for rule in every_rule(sure)}
