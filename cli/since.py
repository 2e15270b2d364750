"""`--since` as people give it: a span back from now (`7d`, `24h`, `90m`) or a time (RFC 3339)."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import refuse
from store.clock import now_micros

SINCE = "A span back from now (7d, 24h, 90m) or a time (2026-03-02, 2026-03-02T09:15:00Z)."
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help=SINCE)]

_SPAN = re.compile(r"(\d{1,6})([dhm])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}
_MICROS = 1_000_000


def since_micros(text: str | None, *, default_days: int) -> int:
    """The time as microseconds since 1970; ends the command where it is none, or not yet."""
    now = now_micros()
    if text is None:
        return now - default_days * _SECONDS["d"] * _MICROS
    span = _SPAN.fullmatch(text)
    if span is not None:
        return max(0, now - int(span[1]) * _SECONDS[span[2]] * _MICROS)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"--since: {text!r} is no time; give a span such as 7d, or 2026-03-02T09:15:00Z")
    micros = int(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * _MICROS)
    if not 0 <= micros <= now:
        refuse(f"--since: {text} is not in the past")
    return micros
