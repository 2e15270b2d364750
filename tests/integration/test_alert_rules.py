"""The alert rules as Prometheus evaluates them: each goes off, and does not where it comes near."""

import pytest
import yaml

from tests.fakes import alarm_scenarios, burn_scenarios
from tests.fakes.prometheus import Scenario, alerts_of, judged, metrics_of, promtool
from tests.house.repository import ROOT

FILE = ROOT / "deploy/prometheus/pausewire.rules.yaml"
RULES = yaml.safe_load(FILE.read_text())
SCENARIOS = (*alarm_scenarios.SCENARIOS, *burn_scenarios.SCENARIOS)


def test_prometheus_reads_the_rules():
    checked = promtool("check", "rules", str(FILE))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(alerts_of(RULES))} rules found" in checked.stdout


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_what_happens_makes_its_alarms_go_off_and_no_others(scenario: Scenario, tmp_path):
    assert judged(scenario, RULES, tmp_path) == ""


def key(rule):
    return rule["alert"], rule["labels"].get("window")


def test_every_rule_goes_off_somewhere_and_is_quiet_where_its_metric_is_told():
    fired, quiet = set(), set()
    for scenario in SCENARIOS:
        told = {name.partition("{")[0] for name in scenario.series}
        for look in scenario.looks:
            going = {
                (alert, labels.get("window"))
                for alert, each in look.fired.items()
                for labels in each
            }
            fired |= going
            quiet |= {
                key(rule)
                for rule in alerts_of(RULES)
                if key(rule) not in going and told & metrics_of(rule)
            }
    every = {key(rule) for rule in alerts_of(RULES)}
    assert fired == quiet == every


@pytest.mark.parametrize(
    ("right", "wrong", "where"),
    [
        (
            "max without (instance, pod, job)",
            "sum without (instance, pod, job)",
            "in two processes",
        ),
        ("max without (instance, pod, job)", "min without (instance, pod, job)", "just begun"),
        ("increase(", "rate(", "many"),
        ("[5m]", "[1h]", "1h"),
        ('state=~"bounced|unknown', 'state=~"bounced|accepted|unknown', "PausewireDeliveryBurns"),
    ],
)
def test_a_wrong_rule_is_noticed(right, wrong, where, tmp_path):
    """These tests can fail."""
    text = FILE.read_text()
    assert right in text
    mutant = yaml.safe_load(text.replace(right, wrong))
    assert any(
        judged(scenario, mutant, tmp_path)
        for scenario in burn_scenarios.SCENARIOS
        if where in scenario.name
    )
