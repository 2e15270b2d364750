"""Settings of how much one person is told at once."""

from config.fields import Section, setting


class RestraintSettings(Section):
    """What is held for a moment, to be told together."""

    window_seconds: float = setting(
        60,
        "after the first news of a kind about an employer, more of it waits so long and is told in one"
        " message; 0: each notice leaves by itself, at once",
        unit="seconds",
        ge=0,
        le=3600,
    )
    collect_seconds: float = setting(
        3,
        "how long an employer's own first news waits for more, so that many pauses at once are one message",
        unit="seconds",
        ge=0,
        le=60,
    )
    storm_per_minute: int = setting(
        30_000,
        "storm brake: deliveries that may leave within a minute of planning, the rest is held; 0: no limit",
        unit="deliveries",
        ge=0,
    )
    storm_employer_per_minute: int = setting(
        10_000,
        "storm brake: the same for the news of one employer; 0: no limit",
        unit="deliveries",
        ge=0,
    )
    storm_hold_minutes: float = setting(
        30,
        "how long the storm brake holds what nobody releases or cancels; then it leaves",
        unit="minutes",
        gt=0,
        le=1440,
    )
