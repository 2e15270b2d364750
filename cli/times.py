"""Times as people and programs read them: RFC 3339 in UTC."""

from datetime import UTC, datetime


def when(micros: int | None) -> str | None:
    """Microseconds since 1970 as RFC 3339 UTC, to the millisecond."""
    if micros is None:
        return None
    text = datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def when_seconds(seconds: int | None) -> str | None:
    """Unix seconds as RFC 3339 UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
