"""What the status of a POST to a provider without idempotency keys proves.

429 and 503 with Retry-After say "not taken". Any other 5xx, a timeout and a cut say nothing: nine in
ten such messages were accepted, measured. Hence OutcomeUnknown, never a blind repeat.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from notifier.errors import (
    CredentialsRefused,
    Deferred,
    DeliveryError,
    OutcomeUnknown,
    Permanent,
    ProviderFault,
    RateLimited,
    SenderRefused,
)

# Longer than any deadline, and what the column of attempts can hold.
LONGEST_WAIT_SECONDS = 7 * 86_400
# Of an answer's body; what is longer is cut there, and then is no receipt.
MOST_ANSWER_BYTES = 64 * 1024
Shape = TypeVar("Shape")


def read_json(body: bytes, shape: type[Shape]) -> Shape | None:
    """A body in the shape that its API promises; None: whatever else was sent."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> int | None:
    """Retry-After (RFC 9110 §10.2.3) as seconds from now: a number, or a date; None if neither."""
    value = headers.get("Retry-After", "").strip()
    try:
        wait = int(value) if value.isdecimal() else _seconds_until(value, now or datetime.now(UTC))
    except (ValueError, OverflowError):
        return None
    return min(max(0, wait), LONGEST_WAIT_SECONDS)


def _seconds_until(date: str, now: datetime) -> int:
    at = parsedate_to_datetime(date)
    if at.tzinfo is None:  # "-0000": UTC of unknown origin
        at = at.replace(tzinfo=UTC)
    return round((at - now).total_seconds())


def refusal(status: int, headers: Mapping[str, str], detail: str) -> DeliveryError:
    """The error for a status that is not 2xx. `detail`: the answer's own words, already quoted."""
    wait = retry_after_seconds(headers)
    kind: type[DeliveryError] = Permanent
    if status == 429:
        kind = RateLimited
    elif status == 503 and wait is not None:
        kind = Deferred
    elif status >= 500 or status < 300:
        kind = OutcomeUnknown
    elif status == 401:
        kind = CredentialsRefused
    elif status in (402, 403):
        kind = SenderRefused
    elif status in (301, 302, 303, 307, 308, 404, 405):
        kind = ProviderFault  # our settings name the wrong place
    return kind(detail, status_code=status, retry_after_seconds=wait)
