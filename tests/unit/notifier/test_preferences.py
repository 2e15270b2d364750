"""What a person wants: which places stay silent, which wait, and until when by their own clock."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.preferences import (
    CHOSEN_KINDS,
    DEFAULTS,
    Heeded,
    Preferences,
    Quiet,
    clock_of,
    heed,
    minutes_of,
    zone_of,
)

EVENINGS = Preferences(
    "Europe/Berlin",
    digest=tuple((kind, each) for kind in CHOSEN_KINDS for each in ("email", "sms")),
)
NIGHT = Quiet(minutes_of("22:00"), minutes_of("07:00"))
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata")


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def text_of(at: int | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at / 1_000_000, UTC):%Y-%m-%dT%H:%M}"


def test_by_default_everything_goes_everywhere_at_once() -> None:
    for kind in CHOSEN_KINDS:
        for channel in ("email", "push", "sms"):
            assert heed(DEFAULTS, kind, channel, 0) == Heeded()


def test_what_is_off_is_withheld_there_and_nowhere_else() -> None:
    wish = Preferences(off=(("resumed", "sms"),))
    assert heed(wish, "resumed", "sms", 0).withheld == "preference"
    assert heed(wish, "resumed", "email", 0) == Heeded()
    assert heed(wish, "paused", "sms", 0) == Heeded()


def test_who_wants_pauses_only_hears_of_pauses_only() -> None:
    wish = Preferences(pauses_only=True)
    told = {kind for kind in CHOSEN_KINDS if heed(wish, kind, "email", 0).withheld is None}
    assert told == {"paused", "contract_paused", "reminder"}
    assert heed(wish, "digest", "email", 0).withheld is None


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("UTC", "2026-05-12T21:59", None),
        ("UTC", "2026-05-12T22:00", "2026-05-13T07:00"),
        ("UTC", "2026-05-13T06:59", "2026-05-13T07:00"),
        ("UTC", "2026-05-13T07:00", None),
        ("Asia/Kolkata", "2026-05-12T17:00", "2026-05-13T01:30"),
        # Berlin: the clock jumps from 02:00 to 03:00 on 29 March 2026, back on 25 October 2026.
        ("Europe/Berlin", "2026-03-28T22:00", "2026-03-29T05:00"),
        ("Europe/Berlin", "2026-10-24T21:00", "2026-10-25T06:00"),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(zone: str, now: str, until: str | None) -> None:
    wish = Preferences(time_zone=zone, quiet=NIGHT)
    for channel in ("sms", "push"):
        assert text_of(heed(wish, "resumed", channel, micros(now)).held_until) == until
    assert heed(wish, "resumed", "email", micros(now)) == Heeded()


def test_an_end_that_the_clock_jumps_over_comes_with_the_jump() -> None:
    wish = Preferences(time_zone="Europe/Berlin", quiet=Quiet(60, minutes_of("02:30")))
    until = heed(wish, "paused", "sms", micros("2026-03-29T00:30")).held_until
    assert text_of(until) == "2026-03-29T01:30"  # 03:30 there: half past two never struck


def test_an_end_that_strikes_twice_is_the_first_still_to_come() -> None:
    wish = Preferences(time_zone="Europe/Berlin", quiet=Quiet(60, minutes_of("02:30")))
    first = heed(wish, "paused", "sms", micros("2026-10-25T00:15")).held_until
    second = heed(wish, "paused", "sms", micros("2026-10-25T01:15")).held_until
    assert (text_of(first), text_of(second)) == ("2026-10-25T00:30", "2026-10-25T01:30")


def test_pauses_ring_at_night_only_with_consent() -> None:
    night = micros("2026-05-12T23:00")
    wish = Preferences(quiet=NIGHT, urgent_pauses=True)
    assert heed(wish, "paused", "sms", night) == Heeded()
    assert heed(wish, "resumed", "sms", night).held_until is not None
    assert heed(Preferences(quiet=NIGHT), "paused", "sms", night).held_until is not None


@given(
    zone=st.sampled_from(ZONES),
    starts=st.integers(0, 1439),
    ends=st.integers(0, 1439),
    now=st.integers(1_700_000_000, 1_900_000_000),
)
def test_what_is_held_leaves_within_a_day_and_after_now(
    zone: str, starts: int, ends: int, now: int
) -> None:
    wish = Preferences(time_zone=zone, quiet=Quiet(starts, ends))
    until = heed(wish, "paused", "push", now * 1_000_000).held_until
    if until is not None:
        assert 0 < until - now * 1_000_000 <= 26 * 3600 * 1_000_000


@pytest.mark.parametrize(
    "name", ["", "Mars/X", "../etc/passwd", "/etc/passwd", "Europe/", "a" * 300]
)
def test_what_is_no_zone_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        zone_of(name)


@pytest.mark.parametrize("clock", ["24:00", "7:00", "", "12:60", "١٢:00"])
def test_what_is_no_time_of_day_is_refused(clock: str) -> None:
    with pytest.raises(ValueError, match="22:00"):
        minutes_of(clock)


def test_a_time_of_day_reads_back() -> None:
    assert clock_of(minutes_of("07:05")) == "07:05"


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-05-12T15:59", "2026-05-12T16:00"),
        ("2026-05-12T16:00", "2026-05-13T16:00"),
        ("2026-03-28T18:00", "2026-03-29T16:00"),
        ("2026-10-24T18:00", "2026-10-25T17:00"),
    ],
)
def test_what_is_told_once_a_day_waits_for_the_evening_there(now: str, until: str) -> None:
    for kind in CHOSEN_KINDS:
        found = heed(EVENINGS, kind, "email", micros(now))
        assert (found.withheld, found.daily, text_of(found.held_until)) == (None, True, until)
    assert heed(EVENINGS, "paused", "push", micros(now)) == Heeded()


def test_urgent_pauses_wait_for_no_evening_and_what_is_off_stays_off() -> None:
    urgent = msgspec.structs.replace(EVENINGS, urgent_pauses=True, off=(("resumed", "email"),))
    told_at_once = [kind for kind in CHOSEN_KINDS if heed(urgent, kind, "email", 0) == Heeded()]
    assert told_at_once == ["paused", "contract_paused"]
    assert heed(urgent, "resumed", "email", 0) == Heeded(withheld="preference")


def test_an_evening_in_quiet_hours_rings_when_they_are_over() -> None:
    wish = msgspec.structs.replace(EVENINGS, quiet=NIGHT, digest_at=minutes_of("23:00"))
    now = micros("2026-05-12T12:00")
    assert text_of(heed(wish, "paused", "email", now).held_until) == "2026-05-12T21:00"
    assert text_of(heed(wish, "paused", "sms", now).held_until) == "2026-05-13T05:00"
