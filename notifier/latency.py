"""14 How long each stage took: seconds since ledger close, per channel, from the times of the rows.

In: deliveries and their notices. Out: p50, p95 and p99 of every stage.

ledger closed -> observed -> recorded -> planned -> queued -> handed_off -> accepted -> delivered -> read

A stage's own time is the difference to the one before. The ledger's clock has a grain of one second,
so the first stage of a fast path may read as little as zero, or below where clocks disagree.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from sqlalchemy import Row, Select, select

from notifier.schema import delivery, notice
from notifier.states import CANARY

STAGES = (
    "observed",
    "recorded",
    "planned",
    "queued",
    "handed_off",
    "accepted",
    "delivered",
    "read",
)
PERCENTILES = (50, 95, 99)
# Within how many seconds of ledger close people are told; asked for by operators.
WITHIN_SECONDS = (10, 30)
# Newest deliveries looked at: enough for a steady p99, few enough for a page.
MOST_ROWS = 10_000
IN_APP = "in_app"

Summary = dict[str, dict[str, dict[str, float]]]


def stage_times(*, since: int, most: int = MOST_ROWS) -> Select[Any]:
    """The times of the newest deliveries planned since then (microseconds)."""
    return (
        select(
            delivery.c.channel,
            notice.c.late,
            notice.c.closed_at,
            notice.c.observed_at,
            notice.c.recorded_at,
            delivery.c.planned_at,
            delivery.c.queued_at,
            delivery.c.handed_off_at,
            delivery.c.accepted_at,
            delivery.c.delivered_at,
            delivery.c.released_at,
            notice.c.read_at,
        )
        .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
        .where(delivery.c.planned_at >= since, delivery.c.endpoint != CANARY)
        .order_by(delivery.c.planned_at.desc())
        .limit(most)
    )


def stage_seconds(row: Row[Any]) -> dict[str, float]:
    """The stages that a delivery has passed. A notice is read in the app: there only it counts."""
    closed_at = row.closed_at * 1_000_000
    times = {stage: getattr(row, f"{stage}_at") for stage in STAGES}
    if row.channel != IN_APP:
        times["read"] = None
    return {stage: (at - closed_at) / 1_000_000 for stage, at in times.items() if at is not None}


def summarise(rows: Iterable[Row[Any]]) -> Summary:
    """`{channel: {stage: {"p50", "p95", "p99"}}}`, the stages that any delivery has passed."""
    return _summary((row.channel, stage_seconds(row)) for row in rows)


def _summary(passed: Iterable[tuple[str, dict[str, float]]]) -> Summary:
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for channel, stages in passed:
        for stage, seconds in stages.items():
            found[channel][stage].append(seconds)
    return {
        channel: {stage: percentiles(stages[stage]) for stage in STAGES if stage in stages}
        for channel, stages in sorted(found.items())
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Nearest rank: each figure is one that was measured."""
    ordered = sorted(values)
    return {
        f"p{percent}": ordered[math.ceil(len(ordered) * percent / 100) - 1]
        for percent in PERCENTILES
    }


def stage_steps(row: Row[Any]) -> dict[str, float]:
    """The own time of each stage that a delivery has passed: since the stage passed before it."""
    passed = list(stage_seconds(row).items())
    before = 0.0
    steps = {}
    for stage, seconds in passed:
        steps[stage] = seconds - before
        before = seconds
    return steps


def summarise_steps(rows: Iterable[Row[Any]]) -> Summary:
    """As `summarise`, of the stages' own times."""
    return _summary((row.channel, stage_steps(row)) for row in rows)


class Promptness(TypedDict):
    """How soon a channel's deliveries were told: how many, and the percentage within a time."""

    told: int
    within_10_seconds: float
    within_30_seconds: float


def promptness(rows: Iterable[Row[Any]]) -> dict[str, Promptness]:
    """Per channel, of what was told: taken by the provider, or shown in the app.

    What we learned late (a backfill, a healed gap) is left out: it tells nothing of how fast we are.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        told = told_seconds(row)
        if told is not None and not row.late:
            found[row.channel].append(told)
    return {
        channel: Promptness(
            told=len(seconds),
            within_10_seconds=_percent_within(seconds, WITHIN_SECONDS[0]),
            within_30_seconds=_percent_within(seconds, WITHIN_SECONDS[1]),
        )
        for channel, seconds in sorted(found.items())
    }


def told_seconds(row: Row[Any]) -> float | None:
    """From ledger close until the far side took it; None: it has not.

    What was held on purpose counts from when it was let go.
    """
    at = row.delivered_at if row.accepted_at is None else row.accepted_at
    since = row.closed_at * 1_000_000 if row.released_at is None else row.released_at
    return None if at is None else (at - since) / 1_000_000


def _percent_within(seconds: Sequence[float], most: float) -> float:
    return round(100 * sum(each <= most for each in seconds) / len(seconds), 3)
