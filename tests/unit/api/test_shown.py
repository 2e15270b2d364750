from datetime import UTC, datetime

import pytest

from api.shown import digits, from_micros, from_seconds


def test_close_times_and_our_times_are_utc():
    assert from_seconds(1) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert from_micros(1_000_001) == datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)
    assert from_seconds(None) is from_micros(None) is None


@pytest.mark.parametrize("number", [2**63, 2**63 - 1, 10**12, -(2**63)])
def test_a_time_that_no_calendar_has_is_no_time(number):
    assert from_seconds(number) is None


def test_large_numbers_are_told_as_text():
    assert digits(2**64 - 1) == "18446744073709551615"
    assert digits(None) is None
