"""What follows an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    DeliveryError,
    DestinationRejected,
    OutcomeUnknown,
    RateLimited,
)
from notifier.retry import NextStep, Outcome, next_step, outcome_of

NOW = 1_790_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND


def decide(
    outcome: Outcome = Outcome.NOT_SENT,
    *,
    spent: int = 1,
    retry_after_seconds: int | None = None,
    deadline_at: int = NOW + 24 * HOUR,
    chance: float = 0.5,
) -> NextStep:
    return next_step(
        outcome,
        spent=spent,
        retry_after_seconds=retry_after_seconds,
        now=NOW,
        deadline_at=deadline_at,
        chance=chance,
    )


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.ACCEPTED, "accepted"),
        (Outcome.REJECTED, "failed"),
        (Outcome.UNKNOWN, "unknown"),
        (Outcome.DEFECT, "failed"),
    ],
)
def test_some_outcomes_end_the_matter(outcome: Outcome, state: str) -> None:
    assert decide(outcome, retry_after_seconds=5) == NextStep(state)


@pytest.mark.parametrize(
    ("spent", "wait"), [(1, 5), (2, 30), (3, 120), (4, 600), (5, 1800), (6, 3600), (99, 3600)]
)
def test_waits_grow_and_then_stay(spent: int, wait: int) -> None:
    assert decide(spent=spent) == NextStep("retry_wait", NOW + wait * SECOND)


def test_waits_are_spread_by_a_fifth_to_either_side() -> None:
    assert decide(chance=0.0).available_at == NOW + 4 * SECOND
    assert decide(chance=1.0).available_at == NOW + 6 * SECOND


def test_the_wait_that_the_provider_names_is_kept() -> None:
    assert decide(retry_after_seconds=77, chance=1.0) == NextStep("retry_wait", NOW + 77 * SECOND)


def test_what_would_be_due_after_the_deadline_expires_now() -> None:
    assert decide(deadline_at=NOW + 4 * SECOND) == NextStep("expired")
    assert decide(retry_after_seconds=3600, deadline_at=NOW + HOUR) == NextStep("expired")
    assert decide(Outcome.PROVIDER_FAULT, deadline_at=NOW + SECOND) == NextStep("expired")


def test_a_providers_fault_waits_the_same_however_often() -> None:
    assert decide(Outcome.PROVIDER_FAULT, spent=9).available_at == NOW + 60 * SECOND


@given(
    spent=st.integers(0, 1000),
    chance=st.floats(0, 1),
    retry_after_seconds=st.none() | st.integers(0, 10**9),
    outcome=st.sampled_from(Outcome),
    window=st.integers(0, 48 * HOUR),
)
def test_a_next_try_is_never_past_the_deadline(
    spent: int, chance: float, retry_after_seconds: int | None, outcome: Outcome, window: int
) -> None:
    step = decide(
        outcome,
        spent=spent,
        chance=chance,
        retry_after_seconds=retry_after_seconds,
        deadline_at=NOW + window,
    )
    assert (step.state == "retry_wait") == (step.available_at is not None)
    if step.available_at is not None:
        assert NOW <= step.available_at < NOW + window


@given(chances=st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_retrying_ends(chances: list[float]) -> None:
    now, deadline = NOW, NOW + HOUR
    for spent, chance in enumerate(chances, start=1):
        step = next_step(
            Outcome.NOT_SENT,
            spent=spent,
            retry_after_seconds=None,
            now=now,
            deadline_at=deadline,
            chance=chance,
        )
        if step.available_at is None:
            break
        assert step.available_at - now >= 4 * SECOND
        now = step.available_at
    assert now < deadline


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ChannelUnavailable("x"), Outcome.NOT_SENT),
        (RateLimited("x"), Outcome.NOT_SENT),
        (DestinationRejected("x"), Outcome.REJECTED),
        (OutcomeUnknown("x"), Outcome.UNKNOWN),
        (CredentialsRefused("x"), Outcome.PROVIDER_FAULT),
        (DeliveryError("unclassified"), Outcome.DEFECT),
        (KeyError("x"), Outcome.DEFECT),
    ],
)
def test_errors_stand_for_outcomes_and_the_unclassified_is_a_defect(
    error: Exception, outcome: Outcome
) -> None:
    assert outcome_of(error) is outcome
