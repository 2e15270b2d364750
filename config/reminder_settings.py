"""Settings of how often people hear of a pause that lasts."""

from itertools import pairwise

from pydantic import field_validator

from config.fields import Section, setting


class ReminderSettings(Section):
    """Whoever's pay stream stays paused is reminded of it, until it is resumed or cancelled."""

    enabled: bool = setting(
        True, "remind people of pauses that last; each person may switch it off by channel"
    )
    after_hours: tuple[float, ...] = setting(
        (24, 72, 168),
        "how long after a pause began its first reminders come, as JSON: `[24, 72, 168]`",
        unit="hours",
    )
    every_hours: float = setting(
        168,
        "how often another one comes after those; 0: none does",
        unit="hours",
        ge=0,
        le=8760,
    )
    most: int = setting(12, "reminders of one pause at most", unit="reminders", ge=1, le=1000)
    employers: bool = setting(True, "remind whoever pays the stream as well")
    together_hours: float = setting(
        24,
        "after one reminder about an employer's streams, more of them wait so long and are told in one"
        " message; 0: as long as any other news (`restraint.window_seconds`)",
        unit="hours",
        ge=0,
        le=168,
    )

    @field_validator("after_hours")
    @classmethod
    def _hours_rise(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < each <= 87_600 for each in values):
            raise ValueError("give hours above 0, at most 87600")
        if any(late <= early for early, late in pairwise(values)):
            raise ValueError("give hours that rise: [24, 72, 168]")
        return values
