"""13 What follows an attempt: the one place where retrying is decided, and it is a pure function.

In: how an attempt ended. Out: the delivery's next state, and when it is due again. Dramatiq carries
messages and decides nothing.
"""

from enum import StrEnum
from typing import NamedTuple

from notifier.errors import DeliveryError, OutcomeUnknown, Permanent, ProviderFault, Transient

# Between the first try and the second, and so on; the last one repeats until the deadline.
WAITS_SECONDS = (5, 30, 120, 600, 1800, 3600)
SPREAD = (
    0.2  # of a wait, to either side: a thousand letters refused together do not return together
)
# While the provider refuses us; the breaker holds its deliveries back longer when need be.
FAULT_WAIT_SECONDS = 60


class Outcome(StrEnum):
    """How an attempt ended, as stored in `attempt.result`."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    PROVIDER_FAULT = "provider_fault"
    DEFECT = "defect"


PROVEN_NOT_SENT = frozenset({Outcome.NOT_SENT, Outcome.PROVIDER_FAULT, Outcome.REJECTED})


class NextStep(NamedTuple):
    """The delivery's next state; `available_at` (microseconds) where it is tried again."""

    state: str
    available_at: int | None = None


_ENDS = {
    Outcome.ACCEPTED: "accepted",
    Outcome.REJECTED: "failed",
    Outcome.UNKNOWN: "unknown",
    Outcome.DEFECT: "failed",
}
_OUTCOMES: tuple[tuple[type[DeliveryError], Outcome], ...] = (
    (Transient, Outcome.NOT_SENT),
    (Permanent, Outcome.REJECTED),
    (OutcomeUnknown, Outcome.UNKNOWN),
    (ProviderFault, Outcome.PROVIDER_FAULT),
)


def outcome_of(error: Exception) -> Outcome:
    """The outcome that an error stands for; what is no DeliveryError is a defect."""
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.DEFECT)


def next_step(  # noqa: PLR0913 # an attempt's end, and all that has a say in what follows
    outcome: Outcome,
    *,
    spent: int,
    retry_after_seconds: int | None,
    now: int,
    deadline_at: int,
    chance: float,
    another: bool = False,
) -> NextStep:
    """Decide. `spent`: tries so far, this one included, those that a provider's fault cost left out.

    `now`, `deadline_at`: microseconds; `chance`: 0 to 1, spreads the wait. A wait that the provider
    named is kept to the second. What would be due only after the deadline expires now. `another`: a second
    provider takes at once what this one provably did not.
    """
    if another and outcome in PROVEN_NOT_SENT:
        return NextStep("retry_wait", now)
    if outcome in _ENDS:
        return NextStep(_ENDS[outcome])
    if retry_after_seconds is not None:
        wait = float(retry_after_seconds)
    else:
        wait = FAULT_WAIT_SECONDS
        if outcome is Outcome.NOT_SENT:
            wait = WAITS_SECONDS[min(max(spent, 1), len(WAITS_SECONDS)) - 1]
        wait *= 1 - SPREAD + 2 * SPREAD * chance
    available_at = now + int(wait * 1_000_000)
    if available_at >= deadline_at:
        return NextStep("expired")
    return NextStep("retry_wait", available_at)
