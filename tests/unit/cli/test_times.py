from cli.times import when, when_seconds


def test_times_are_told_in_utc_to_the_millisecond():
    assert when(1_784_655_000_123_456) == "2026-07-21T17:30:00.123Z"
    assert when(0) == "1970-01-01T00:00:00.000Z"


def test_close_times_are_whole_seconds():
    assert when_seconds(1_784_655_000) == "2026-07-21T17:30:00Z"


def test_a_time_that_is_not_known_stays_unknown():
    assert when(None) is None
    assert when_seconds(None) is None
