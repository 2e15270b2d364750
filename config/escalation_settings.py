"""Settings of alerts that keep their purpose: one channel after another until somebody has seen it."""

import re
from typing import Literal, NamedTuple

from pydantic import field_validator

from config.fields import Section, setting

_STEP = re.compile(r"(email|push|sms)=([0-9]{1,6})")


class Step(NamedTuple):
    """After how many minutes a channel is told as well."""

    channel: str
    minutes: int


def read_step(text: str) -> Step:
    """`sms=120`. Raises ValueError."""
    found = _STEP.fullmatch(text)
    if found is None or found[2].startswith("0"):
        raise ValueError("give a channel and minutes: email=15")
    return Step(found[1], int(found[2]))


class EscalationSettings(Section):
    """Who is told on one channel at a time: the first one at once, the next one when that fails.

    News that matters (a pause, a cancellation while paused, a contract's pause) goes on by itself: unless
    it is read, the next channels are told after the times given here.
    """

    one_by_one: bool = setting(
        False,
        "tell people on one channel at a time, in their order (push, email, SMS unless they say otherwise);"
        " false: on all of theirs at once. Each person may choose otherwise",
    )
    steps: tuple[str, ...] = setting(
        ("email=15", "sms=120"),
        'of people told on one channel at a time: when the next ones are told too, as JSON: `["sms=120"]`;'
        " a channel that is not named waits until one before it fails",
        unit="minutes",
    )
    until: Literal["read", "delivered"] = setting(
        "read",
        "what ends it: `read` in the app, or also `delivered` as a provider confirms it; the end of the"
        " pause ends it in any case",
    )

    @field_validator("steps")
    @classmethod
    def _steps_are_steps(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        channels = [read_step(value).channel for value in values]
        if len(set(channels)) < len(channels):
            raise ValueError("name each channel once")
        return values
