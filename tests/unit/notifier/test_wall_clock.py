"""The daily hour, wherever somebody lives: once for each of their days, also where the clock jumps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.wall_clock import next_time

SECOND = 1_000_000
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe"),
    *("Asia/Kolkata", "Africa/Cairo", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca"),
)
FIRST = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2035, 1, 1, tzinfo=UTC).timestamp())


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def shown(at: int) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("zone", "clock", "after", "comes"),
    [
        ("UTC", "18:00", "2026-05-12T17:59", "2026-05-12T18:00"),
        ("UTC", "18:00", "2026-05-12T18:00", "2026-05-13T18:00"),
        ("UTC", "00:00", "2026-05-12T23:59", "2026-05-13T00:00"),
        ("Europe/Berlin", "18:00", "2026-05-12T12:00", "2026-05-12T16:00"),
        ("Asia/Kolkata", "18:00", "2026-05-12T12:00", "2026-05-12T12:30"),
        # The day before and the day of a change: an hour less between them, then an hour more.
        ("Europe/Berlin", "18:00", "2026-03-28T17:00", "2026-03-29T16:00"),
        ("Europe/Berlin", "18:00", "2026-10-24T16:00", "2026-10-25T17:00"),
        # 02:30 is left out on 29 March, and strikes twice on 25 October.
        ("Europe/Berlin", "02:30", "2026-03-28T12:00", "2026-03-29T01:30"),
        ("Europe/Berlin", "02:30", "2026-03-29T01:30", "2026-03-30T00:30"),
        ("Europe/Berlin", "02:30", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("Europe/Berlin", "02:30", "2026-10-25T00:30", "2026-10-26T01:30"),
        # Half an hour is left out, and midnight is.
        ("Australia/Lord_Howe", "02:15", "2026-10-03T12:00", "2026-10-03T15:45"),
        ("Africa/Cairo", "00:30", "2026-04-23T12:00", "2026-04-23T22:30"),
    ],
)
def test_the_hour_comes_by_the_wall_clock(zone: str, clock: str, after: str, comes: str) -> None:
    hour, minute = map(int, clock.split(":"))
    assert shown(next_time(hour * 60 + minute, ZoneInfo(zone), micros(after))) == comes


@given(
    st.sampled_from(ZONES),
    st.integers(0, 24 * 60 - 1),
    st.integers(FIRST, LAST),
    st.integers(0, 36 * 3600),
)
def test_it_comes_once_for_each_day_and_at_that_time_of_day(
    zone: str, minutes: int, after: int, later: int
) -> None:
    where = ZoneInfo(zone)
    first = next_time(minutes, where, after * SECOND)
    second = next_time(minutes, where, first)
    assert after * SECOND < first < second
    # Whoever asks between two of them is told the second: none is skipped, none is told twice.
    between = min(first + later * SECOND, second - 1)
    assert next_time(minutes, where, between) == second
    assert next_time(minutes, where, first - 1) == first
    assert timedelta(0) < timedelta(microseconds=second - first) <= timedelta(hours=50)
    local = datetime.fromtimestamp(first / SECOND, where)
    hour, minute = divmod(minutes, 60)
    if (local.hour, local.minute) != (hour, minute):
        # The wall clock never showed it that day.
        day = next(
            day
            for day in (local.date(), local.date() - timedelta(days=1))
            if datetime(day.year, day.month, day.day, hour, minute, tzinfo=where).timestamp()
            == first / SECOND
        )
        wanted = datetime(day.year, day.month, day.day, hour, minute, tzinfo=where)
        back = datetime.fromtimestamp(wanted.timestamp(), where)
        assert (back.hour, back.minute, back.day) != (hour, minute, day.day)
    else:
        assert local.fold == 0 or local.utcoffset() == local.replace(fold=0).utcoffset()
