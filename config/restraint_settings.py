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
