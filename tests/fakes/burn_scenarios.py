"""What makes the alarms of budgets go off: a share of failures over an hour, six hours, a day.

Ten things happen a minute. Each share burns the budget too fast for the one window that it is made for.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.fakes.alarm_scenarios import QUIET, series
from tests.fakes.prometheus import Fired, Look, Scenario, counter, gauge

_DAY = 24 * 60
_PER_MINUTE = 10


class Budget(NamedTuple):
    """An objective. `well` and `failed`: labels of the series that count these.

    `shares` of failures burn too fast over an hour, six hours, a day. `totals`: of a histogram, the metric
    that counts all; `metric` then counts what went well.
    """

    alert: str
    metric: str
    well: Mapping[str, str]
    failed: Mapping[str, str]
    shares: tuple[float, float, float]
    totals: str | None = None


BUDGETS = (
    Budget(
        "PausewireDeliveryBurns",
        "pausewire_deliveries_total",
        {"channel": "email", "reason": "", "state": "accepted"},
        {"channel": "email", "reason": "rejected", "state": "failed"},
        (0.6, 0.25, 0.12),
    ),
    Budget(
        "PausewireLatencyBurns",
        "pausewire_told_seconds_bucket",
        {"channel": "email", "le": "30.0"},
        {"channel": "email"},
        (0.6, 0.25, 0.12),
        totals="pausewire_told_seconds_count",
    ),
    Budget(
        "PausewireApiBurns",
        "pausewire_http_requests_total",
        {"route": "/v1/streams", "method": "GET", "status": "200"},
        {"route": "/v1/streams", "method": "GET", "status": "500"},
        (0.2, 0.06, 0.03),
    ),
    *(
        Budget(
            "PausewireWorkBurns",
            "pausewire_work_total",
            {"kind": "attempt", "result": "done"},
            {"kind": kind, "result": "failed"},
            (0.2, 0.06, 0.03),
        )
        for kind in ("attempt", "callback", "notice")
    ),
)
EACH_ITS_OWN = "PausewireApiBurns"  # requests are each process's own; all else is told by all alike

Legs = Sequence[tuple[int, float, float]]  # minutes, well and failed per minute


def told(budget: Budget, legs: Legs, instance: str = "a") -> dict[str, Sequence[float | None]]:
    """The budget's series where that happened."""
    well = counter(*((minutes, good) for minutes, good, _ in legs))
    failed = counter(*((minutes, bad) for minutes, _, bad in legs))
    where = {"instance": instance, "job": "pausewire", "pod": f"pod-{instance}"}
    if budget.totals is not None:
        all_of_them = [good + bad for good, bad in zip(well, failed, strict=True)]
        return {
            series(budget.metric, **budget.well, **where): well,
            series(budget.totals, **budget.failed, **where): all_of_them,
        }
    return {
        series(budget.metric, **budget.well, **where): well,
        series(budget.metric, **budget.failed, **where): failed,
    }


def burning(budget: Budget, *windows: str) -> Fired:
    """The alert over these windows."""
    return {budget.alert: [{"window": window} for window in windows]}


def _sharing(share: float) -> tuple[float, float]:
    return (1 - share) * _PER_MINUTE, share * _PER_MINUTE


def of(budget: Budget) -> Iterator[Scenario]:
    """One objective: each window by itself, over when it is over, and what is too little to tell."""
    name = f"{budget.alert} {budget.failed.get('kind', '')}"
    well = (_DAY, _PER_MINUTE, 0.0)
    for share, hours, window, over in zip(
        budget.shares, (1, 6, 24), ("1h", "6h", "24h"), (10, 40, 130), strict=True
    ):
        legs = [well, (hours * 60, *_sharing(share)), (200, _PER_MINUTE, 0.0)]
        ends = _DAY + hours * 60
        looks = [
            *(Look(_DAY, QUIET), Look(ends, burning(budget, window)), Look(ends + over, QUIET)),
        ]
        yield Scenario(f"{name} {window}", told(budget, legs), looks, every=10)
    every = ("1h", "6h", "24h")
    yield Scenario(f"{name} few", told(budget, [(9, 0, 1)]), [Look(9, QUIET)])
    yield Scenario(f"{name} many", told(budget, [(11, 0, 1)]), [Look(11, burning(budget, *every))])
    yield Scenario(f"{name} twice", told(budget, [(2, 5, 1)]), [Look(2, QUIET)])
    # Six, four of them failed, as both processes have seen: no twelve. Of requests each has its own.
    legs = [(4, 0.5, 1.0)]
    both = told(budget, legs) | told(budget, legs, "b")
    fired = burning(budget, *every) if budget.alert == EACH_ITS_OWN else QUIET
    yield Scenario(f"{name} in two processes", both, [Look(4, fired)])
    begun = told(budget, [(11, 0, 1)]) | told(budget, [(11, 0, 0)], "b")
    yield Scenario(f"{name} just begun", begun, [Look(11, burning(budget, *every))])


def not_counted() -> Iterator[Scenario]:
    """What no promise is about."""
    bad = counter((60, 5))
    metric, requests = "pausewire_deliveries_total", "pausewire_http_requests_total"
    yield Scenario(
        "not promised",
        {
            series(metric, channel="in_app", reason="defect", state="failed"): bad,
            series(metric, channel="email", reason="stale", state="expired"): bad,
            series(metric, channel="email", reason="", state="cancelled"): bad,
            series("pausewire_told_seconds_count", channel="in_app"): bad,
            series("pausewire_told_seconds_bucket", channel="in_app", le="30.0"): counter((60, 0)),
            series(requests, route="/readyz", method="GET", status="503"): bad,
            series(requests, route="/v1/streams", method="GET", status="404"): bad,
        },
        [Look(60, QUIET)],
    )


def uptime() -> Iterator[Scenario]:
    """A canary's latency by minute: of two processes, the later one counts."""
    alert, metric = "PausewireUptimeBurns", "pausewire_canary_latency_seconds"
    for minutes, windows_at in (
        (2, {0: (), 10: ()}),
        (3, {0: ("1h", "6h"), 10: ("6h",), 40: ()}),
        (4, {0: ("1h", "6h", "24h"), 10: ("6h", "24h"), 40: ("24h",), 130: ()}),
    ):
        late = gauge((_DAY + 10 - minutes, 3), (minutes, 31), (200, 30))
        steady = gauge((_DAY + 210, 3))
        yield Scenario(
            f"{alert} {minutes} minutes",
            {series(metric, instance="a"): steady, series(metric, instance="b"): late},
            [
                Look(_DAY + 10 + after, {alert: [{"window": each} for each in windows]})
                for after, windows in windows_at.items()
            ],
            every=10,
        )


SCENARIOS = (
    *(scenario for budget in BUDGETS for scenario in of(budget)),
    *not_counted(),
    *uptime(),
)
