"""The objectives as the settings promise them."""

from config.objective_settings import ObjectiveSettings
from notifier.objectives import API, CAPTURE, DELIVERY, LATENCY, UPTIME, WORK, Objective


def promises(settings: ObjectiveSettings) -> tuple[Objective, ...]:
    """Every objective, in the order in which people ask for them."""
    told = f"taken within {settings.latency_seconds:g} s of ledger close"
    return (
        Objective(DELIVERY, settings.delivery_percent, "deliveries that a provider took"),
        Objective(LATENCY, settings.latency_percent, f"deliveries {told}"),
        Objective(CAPTURE, settings.capture_percent, "streams equal to their contracts' storage"),
        Objective(API, settings.api_percent, "requests without an error of ours"),
        Objective(WORK, settings.work_percent, "work that no defect of ours ended"),
        Objective(UPTIME, settings.uptime_percent, "minutes in which people could be told"),
    )
