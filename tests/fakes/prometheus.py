"""Series and rules as `promtool test rules` takes them, and the tool itself."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.services import missing

Fired = Mapping[str, Sequence[Mapping[str, str]]]
Rules = Mapping[str, Any]  # a rules file as a document


class Look(NamedTuple):
    """What has gone off after so many minutes: by alert, the labels of each beside the rule's own."""

    minute: int
    fired: Fired


class Scenario(NamedTuple):
    """Series, one value a minute, and what they make go off. `every`: minutes between evaluations."""

    name: str
    series: Mapping[str, Sequence[float | None]]
    looks: Sequence[Look]
    every: int = 1


def gauge(*legs: tuple[int, float | None]) -> list[float | None]:
    """Legs of (minutes, value); None: it is not told."""
    return [value for minutes, value in legs for _ in range(minutes)]


def counter(*legs: tuple[int, float], start: float = 0) -> list[float]:
    """Legs of (minutes, growth per minute)."""
    values = [start]
    for minutes, growth in legs:
        for _ in range(minutes):
            values.append(values[-1] + growth)
    return values


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it; skips, or fails in CI, where there is none."""
    program = shutil.which("promtool")
    if program is None:
        missing(
            "promtool", "PATH so that it finds the program (Debian's package prometheus has it)"
        )
    return subprocess.run(
        [program, *words], capture_output=True, text=True, timeout=120, check=False
    )


def judged(scenario: Scenario, rules: Rules, folder: Path) -> str:
    """What differs from the scenario when these rules are evaluated; empty: nothing.

    Only those that ask for its series are: a day of all takes a minute, and the others find nothing.
    """
    asked = _of_these(scenario.series, rules)
    rules_file = folder / "asked.yaml"
    rules_file.write_text(json.dumps(asked))
    document = {
        "rule_files": [str(rules_file)],
        "evaluation_interval": f"{scenario.every}m",
        "tests": [
            {
                "name": scenario.name,
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": " ".join(map(_word, values))}
                    for series, values in scenario.series.items()
                ],
                "alert_rule_test": [
                    {"eval_time": f"{look.minute}m", "alertname": alert, "exp_alerts": expected}
                    for look in scenario.looks
                    for alert, expected in _expected(look.fired, asked).items()
                ],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(json.dumps(document))  # JSON is YAML
    done = promtool("test", "rules", str(file))
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


def alerts_of(rules: Rules) -> list[dict[str, Any]]:
    """Every rule of the file."""
    return [rule for group in rules["groups"] for rule in group["rules"]]


def _of_these(names: Iterable[str], rules: Rules) -> Rules:
    """A rules file without the rules that ask for other metrics only."""
    told = {name.partition("{")[0] for name in names}
    groups = [
        {**group, "rules": [rule for rule in group["rules"] if told & metrics_of(rule)]}
        for group in rules["groups"]
    ]
    return {"groups": [group for group in groups if group["rules"]]}


def metrics_of(rule: Mapping[str, Any]) -> set[str]:
    """The metrics that a rule asks for."""
    return set(re.findall(r"\bpausewire_\w+", rule["expr"]))


def _expected(fired: Fired, rules: Rules) -> dict[str, list[dict[str, Any]]]:
    """Of every alert in the file: those that must be there, none unless the scenario names it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in alerts_of(rules):
        expected = found.setdefault(rule["alert"], [])
        for labels in fired.get(rule["alert"], ()):
            if labels.get("window") == rule["labels"].get("window"):
                expected.append(
                    {
                        "exp_labels": {**rule["labels"], **labels},
                        "exp_annotations": rule["annotations"],
                    }
                )
    assert set(fired) <= set(found)
    return found


def _word(value: float | None) -> str:
    return "_" if value is None else f"{value:.10g}"
