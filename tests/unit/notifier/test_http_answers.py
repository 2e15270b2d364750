"""Retry-After, in both of its forms."""

from datetime import UTC, datetime

import pytest

from notifier.channels.http_answers import LONGEST_WAIT_SECONDS, retry_after_seconds

NOW = datetime(2026, 5, 12, 14, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("Tue, 12 May 2026 14:01:30 GMT", 90),
        ("Tue, 12 May 2026 14:01:30 -0000", 90),
        ("Tue, 12 May 2026 13:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1" * 5000, None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        ("99999999999", LONGEST_WAIT_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT_SECONDS),
        ("", None),
    ],
)
def test_retry_after_is_read_as_a_number_or_a_date(value: str, seconds: int | None) -> None:
    assert retry_after_seconds({"Retry-After": value}, NOW) == seconds


def test_no_retry_after_is_no_wait() -> None:
    assert retry_after_seconds({}) is None
