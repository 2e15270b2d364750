"""What a person wants to be told outside the inbox, where, and not before when: their own word.

Pure. Planning heeds it once for each place (`heed`); what was told to keep quiet stays in the inbox, where
nothing is ever held. Suppression and freshness still win over any wish.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from notifier.news import (
    CONTRACT_PAUSED,
    CONTRACT_RESUMED,
    REMINDER,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    STREAM_PAUSED,
    STREAM_RESUMED,
    family,
)
from notifier.wall_clock import next_time

CHANNELS = ("email", "push", "sms")
# What leaves the inbox, and can therefore be switched off elsewhere.
CHOSEN_KINDS = (
    STREAM_PAUSED,
    STREAM_RESUMED,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    CONTRACT_PAUSED,
    CONTRACT_RESUMED,
    REMINDER,
)
PAUSES = frozenset({STREAM_PAUSED, CONTRACT_PAUSED})
_OF_PAUSES = PAUSES | {REMINDER}
RINGING = frozenset({"push", "sms"})  # an email wakes nobody
PREFERENCE = "preference"  # why a delivery was withheld
DAILY = "daily"  # why a delivery is held: for its reader's daily digest
EVENING = 18 * 60
# News of the last moments before the hour waits for it too, until all that was planned by then is written.
SETTLES = 30

UTC_NAME = "UTC"
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MICROS = 1_000_000


class Quiet(msgspec.Struct, frozen=True, array_like=True):
    """Hours in which nothing rings, in minutes after local midnight; over midnight where they end first."""

    starts: int
    ends: int

    def has(self, minute: int) -> bool:
        """Whether this minute of the day is quiet."""
        if self.starts <= self.ends:
            return self.starts <= minute < self.ends
        return minute >= self.starts or minute < self.ends


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """The defaults tell everything at once, by UTC.

    `time_zone`: IANA name. `urgent_pauses`: consent that pauses ring in quiet hours too. `pauses_only`:
    nothing but pauses, and reminders of them, leaves the inbox. `off`: (kind, channel) that stay silent.
    `one_by_one`: one channel at a time, None: as the deployment does; `order`: in this order, empty: as
    the deployment's. `digest`: (kind, channel) that are gathered and told once a day, at `digest_at`, in
    minutes after local midnight; with `urgent_pauses` pauses do not wait for it.
    """

    time_zone: str = UTC_NAME
    quiet: Quiet | None = None
    urgent_pauses: bool = False
    pauses_only: bool = False
    off: tuple[tuple[str, str], ...] = ()
    one_by_one: bool | None = None
    order: tuple[str, ...] = ()
    digest: tuple[tuple[str, str], ...] = ()
    digest_at: int = EVENING


DEFAULTS = Preferences()


class Heeded(NamedTuple):
    """What follows for one place: withheld for this reason, or held until then (microseconds).

    `daily`: until the person's daily digest, in which it is told.
    """

    withheld: str | None = None
    held_until: int | None = None
    daily: bool = False


def heed(preferences: Preferences, kind: str, channel: str, now: int) -> Heeded:
    """Decide for a kind on a channel. `now`: microseconds."""
    kind = family(kind)
    if (kind, channel) in preferences.off:
        return Heeded(withheld=PREFERENCE)
    if preferences.pauses_only and kind in CHOSEN_KINDS and kind not in _OF_PAUSES:
        return Heeded(withheld=PREFERENCE)
    if preferences.urgent_pauses and kind in PAUSES:
        return Heeded()
    if (kind, channel) in preferences.digest:
        at = next_digest(preferences, now)
        return Heeded(held_until=_rings_at(preferences, channel, at) or at, daily=True)
    return Heeded(held_until=_rings_at(preferences, channel, now))


def next_digest(preferences: Preferences, now: int) -> int:
    """When this person's next daily digest leaves, `SETTLES` after their hour; microseconds."""
    zone = zone_of(preferences.time_zone)
    return next_time(preferences.digest_at, zone, now) + SETTLES * _MICROS


def _rings_at(preferences: Preferences, channel: str, at: int) -> int | None:
    """When what would leave then may ring; None: then."""
    if preferences.quiet is None or channel not in RINGING:
        return None
    return _end_of_quiet(preferences.quiet, zone_of(preferences.time_zone), at)


def _end_of_quiet(quiet: Quiet, zone: tzinfo, now: int) -> int | None:
    """When the quiet hours that now lies in are over, by the wall clock there; None: it lies in none.

    Where the clock jumps over the end, they end with the jump; where it strikes twice, with the first one
    that is still to come.
    """
    local = datetime.fromtimestamp(now / _MICROS, zone)
    minute = local.hour * 60 + local.minute
    if not quiet.has(minute):
        return None
    day = local.date() if minute < quiet.ends else local.date() + timedelta(days=1)
    hour, rest = divmod(quiet.ends, 60)
    for fold in (0, 1):
        end = datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone, fold=fold)
        at = int(end.timestamp()) * _MICROS
        if at > now:
            return at
    return None


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises ValueError where there is none."""
    if name == UTC_NAME:
        return UTC
    if not _ZONE.fullmatch(name):
        raise ValueError(f"{name!r} is no IANA time zone: give one such as Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(
            f"{name!r} is no IANA time zone: give one such as Europe/Berlin"
        ) from error


def minutes_of(clock: str) -> int:
    """22:30 as minutes after midnight. Raises ValueError."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise ValueError(f"{clock!r} is no time of day: give one such as 22:00")
    return int(found[1]) * 60 + int(found[2])


def clock_of(minutes: int) -> str:
    """The way back."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
