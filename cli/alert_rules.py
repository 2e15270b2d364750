"""The alarms as a Prometheus rules file, made from the objectives (`make docs`, `pausewire slo rules`).

An objective's alarm asks how fast its budget burns, over a long window (it matters) and a short one (it
still goes on), as Google's SRE workbook has it ("Alerting on SLOs", 6). Figures from the database are
told by every process alike, so the largest counts; requests are each process's own, so they add up.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from cli.alarms import Alarm, alarms
from cli.promises import promises
from config.objective_settings import ObjectiveSettings
from config.settings import Settings
from notifier.objectives import API, DELIVERY, LATENCY, UPTIME, WORK, Objective

HEAD = """\
# Written by `make docs` from the settings' defaults; do not edit. For settings of your own:
# pausewire slo rules > pausewire.rules.yaml
"""
RUNBOOKS = "docs/runbooks"
LEAST_EVENTS = 10  # fewer in the long window say nothing
LEAST_FAILURES = 3  # one at night wakes nobody
_HOURS_PER_DAY = 24


class Pace(NamedTuple):
    """An alarm goes off when this share of the whole budget burnt within `hours`."""

    share: float
    hours: int
    short: str
    severity: str


PACES = (
    Pace(0.05, 1, "5m", "page"),
    Pace(0.15, 6, "30m", "page"),
    Pace(0.30, 24, "2h", "ticket"),
)


class Ratio(NamedTuple):
    """An objective's counters: PromQL for what went wrong and for all, `%s` the window."""

    bad: str
    all: str


def _counted(metric: str, matching: str) -> str:
    """From the database: the same in every process that serves the API."""
    labels = "instance, pod, job"
    return f"sum(max without ({labels}) (increase({metric}{{{matching}}}[%s])))"


def _requests(matching: str) -> str:
    told = 'route!~"/livez|/readyz|/health|/metrics"'
    return f"sum(increase(pausewire_http_requests_total{{{told}{matching}}}[%s]))"


def ratios(settings: ObjectiveSettings) -> dict[str, Ratio]:
    """How each objective's share of failures is counted. Told late in the log: `stale` is of a backfill."""
    sent = 'channel!="in_app",reason!="stale"'
    # Prometheus 3 writes whole numbers with a point.
    within = re.escape(f"{settings.latency_seconds:g}").replace("\\", "\\\\") + "(\\\\.0)?"
    canary = "max(pausewire_canary_latency_seconds)"
    told = _counted("pausewire_told_seconds_count", 'channel!="in_app"')
    kept = _counted("pausewire_told_seconds_bucket", f'channel!="in_app",le=~"{within}"')
    return {
        DELIVERY: Ratio(
            _counted(
                "pausewire_deliveries_total", f'{sent},state=~"bounced|unknown|failed|expired"'
            ),
            _counted(
                "pausewire_deliveries_total", f'{sent},state=~"accepted|unknown|failed|expired"'
            ),
        ),
        LATENCY: Ratio(f"{told} - {kept}", told),
        API: Ratio(_requests(',status=~"5.."'), _requests("")),
        UPTIME: Ratio(
            f"count_over_time(({canary} > {settings.latency_seconds:g})[%s:1m])",
            f"count_over_time({canary}[%s:1m])",
        ),
        WORK: Ratio(
            _counted("pausewire_work_total", 'result="failed"'),
            _counted("pausewire_work_total", ""),
        ),
    }


def rules(settings: Settings) -> dict[str, Any]:
    """The file as a document."""
    promised = settings.objectives
    counted = ratios(promised)
    burning = [
        rule
        for objective in promises(promised)
        if objective.name in counted and objective.allowed
        for rule in _burning(objective, counted[objective.name], promised.days)
    ]
    return {
        "groups": [
            {"name": "pausewire-objectives", "rules": burning},
            {"name": "pausewire-alarms", "rules": [_alarm(each) for each in alarms(settings)]},
        ]
    }


class _Readable(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)


def document(settings: Settings) -> str:
    """The file's text."""
    return HEAD + yaml.dump(rules(settings), Dumper=_Readable, sort_keys=False, width=1000)


def _burning(objective: Objective, ratio: Ratio, days: int) -> Iterator[dict[str, Any]]:
    name = f"Pausewire{objective.name.capitalize()}Burns"
    for pace in PACES:
        speed = pace.share * days * _HOURS_PER_DAY / pace.hours
        limit = min(speed * objective.allowed, 0.99)
        windows = (f"{pace.hours}h", pace.short)
        conditions = [
            f"({_over(ratio.bad, window)}) / ({ratio.all % window}) > {limit:.6g}"
            for window in windows
        ]
        conditions += [
            f"({ratio.all % windows[0]}) >= {LEAST_EVENTS}",
            f"({_over(ratio.bad, windows[0])}) >= {LEAST_FAILURES}",
        ]
        yield {
            "alert": name,
            "expr": "\nand\n".join(conditions),
            "labels": {
                "severity": pace.severity,
                "objective": objective.name,
                "window": windows[0],
            },
            "annotations": {
                "summary": f"{pace.share:.0%} of the {days} days' budget of {objective.name}"
                f" burnt within {pace.hours} h",
                "runbook": f"{RUNBOOKS}/objective-{objective.name}.md",
            },
        }


def _over(query: str, window: str) -> str:
    return query.replace("%s", window)


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "alert": alarm.name,
        "expr": alarm.condition,
        "for": alarm.lasting,
        "labels": {"severity": alarm.severity},
        "annotations": {
            "summary": alarm.summary,
            "runbook": f"{RUNBOOKS}/{alarm.runbook}.md",
        },
    }


if __name__ == "__main__":
    sys.stdout.write(document(Settings()))
