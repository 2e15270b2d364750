"""Settings of the objectives: what is promised, and over how long it is judged."""

from typing import Any

from config.fields import Section, seconds, setting


def _percent(default: float, meaning: str) -> Any:
    return setting(default, meaning, unit="percent", gt=0, le=100)


class ObjectiveSettings(Section):
    """What is promised; `pausewire slo report` judges it, `pausewire slo rules` warns of it."""

    days: int = setting(
        7, "the objectives are judged over the last so many days", unit="days", ge=1, le=90
    )
    delivery_percent: float = _percent(
        95, "deliveries that a provider took, of those that should have left"
    )
    latency_seconds: float = seconds(
        30, "from ledger close to the provider's yes, at most", at_most=3600
    )
    latency_percent: float = _percent(95, "deliveries that keep `objectives.latency_seconds`")
    capture_percent: float = _percent(
        100, "streams that are as their contracts' own storage says, by the last comparison"
    )
    api_percent: float = _percent(99, "requests that do not end in an error of ours (5xx)")
    uptime_percent: float = _percent(
        99.9, "minutes whose canary was told within `objectives.latency_seconds`"
    )
    work_percent: float = _percent(
        99, "attempts, callbacks and planned notices that no defect of ours ends"
    )
