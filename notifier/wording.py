"""How one recipient reads times, spans and money: by their locale, in their time zone.

Pure: a table of the CLDR (Babel) and one of time zones; the same in, the same out.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_DOWN, Context, Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal

from notifier.content import Content
from notifier.languages import locale

UTC_NAME = "UTC"
_MINUTE = 60
_UNITS: tuple[tuple[int, Literal["day", "hour", "minute"]], ...] = (
    (86_400, "day"),
    (3_600, "hour"),
    (_MINUTE, "minute"),
)
_NEVER = 10**9
_CENT = Decimal("0.01")
_WIDE = Context(prec=60)  # an i128 has 39 digits, the default context 28
_COMMAS = {"ar": "،"}
# Controls, and marks that turn the direction of what follows: no value of ours needs them.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BLANKS = re.compile(r"[ \t\n]+")  # not the no-break spaces that some languages want


class Wording:
    """What templates ask for, in sentences of one recipient."""

    def __init__(self, content: Content, locale_tag: str) -> None:
        self._content = content
        self._locale = locale_tag
        self._zone = content.time_zone or UTC_NAME

    def at(self, seconds: int) -> str:
        """A time for a sentence: 12 May 2026, 14:03 UTC+2."""
        return moment_of(seconds, self._zone, self._locale, exact=False)

    def exact(self, seconds: int) -> str:
        """A time for the record, to the ledger clock's second."""
        return moment_of(seconds, self._zone, self._locale, exact=True)

    def soon(self, seconds: int) -> str:
        """A time for a short message, which is never old: 12 May, 14:03 UTC."""
        return soon_of(seconds, self._zone, self._locale)

    def span(self, seconds: int) -> str:
        """A length of time in its largest whole unit: 6 hours; at least a minute."""
        return span_of(max(seconds, _MINUTE), self._locale)

    def knows(self, amount: str) -> bool:
        """Whether the contract's numbers tell this amount."""
        money = self._content.money
        return money is not None and getattr(money, amount) is not None

    def money(self, base_units: int) -> str:
        """An amount, cut to cents where it has whole units: never more than there is."""
        money = self._content.money
        if money is None:
            raise ValueError("an amount without an asset")
        amount = Decimal(base_units).scaleb(-money.decimals, _WIDE)
        cut = amount.quantize(_CENT, ROUND_DOWN, _WIDE) if amount >= 1 else amount
        way = locale(self._locale)
        pattern = way.decimal_formats[None].pattern.replace(".###", ".00")
        number = format_decimal(cut, pattern, locale=way, decimal_quantization=False)
        return f"{number}\N{NO-BREAK SPACE}{money.asset}"


def plain(text: str) -> str:
    """One line of plain text that turns no direction and hides nothing."""
    return _BLANKS.sub(" ", _UNWANTED.sub("", str(text))).strip()


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises ZoneInfoNotFoundError or ValueError."""
    return UTC if name == UTC_NAME else ZoneInfo(name)


@lru_cache(4096)
def moment_of(seconds: int, zone: str, locale_tag: str, *, exact: bool) -> str:
    """A time, unix seconds, in a zone by its IANA name, as a locale writes it."""
    time, way = _local(seconds, zone), locale(locale_tag)
    clock = format_time(time, "medium" if exact else "short", tzinfo=time.tzinfo, locale=way)
    return _joined(format_date(time, "long", locale=way), clock, time, locale_tag)


@lru_cache(4096)
def soon_of(seconds: int, zone: str, locale_tag: str) -> str:
    """The same without the year."""
    time, way = _local(seconds, zone), locale(locale_tag)
    clock = format_time(time, "short", tzinfo=time.tzinfo, locale=way)
    day = format_skeleton("MMMd", time, tzinfo=time.tzinfo, locale=way)
    return _joined(day, clock, time, locale_tag)


def _local(seconds: int, zone: str) -> datetime:
    return datetime.fromtimestamp(seconds, zone_of(zone))


def comma_of(language: str) -> str:
    """What stands between the parts of an enumeration."""
    return f"{_COMMAS.get(language, ',')} "


def _joined(day: str, clock: str, time: datetime, locale_tag: str) -> str:
    comma = _COMMAS.get(locale_tag.partition("-")[0], ",")
    return f"{day}{comma} {clock} {_offset(time)}"


def _offset(time: datetime) -> str:
    """What everybody reads alike, whatever their zone is called: UTC, UTC+2, UTC-3:30."""
    minutes = int((time.utcoffset() or timedelta()).total_seconds()) // _MINUTE
    if not minutes:
        return UTC_NAME
    hours, rest = divmod(abs(minutes), 60)
    return f"{UTC_NAME}{'+' if minutes > 0 else '-'}{hours}{f':{rest:02}' if rest else ''}"


@lru_cache(4096)
def span_of(seconds: int, locale_tag: str) -> str:
    """A length of time in its largest whole unit: days at most, "2 weeks" would hide two of 16 days."""
    size, grain = next(unit for unit in _UNITS if seconds >= unit[0])
    return format_timedelta(
        timedelta(seconds=seconds // size * size),
        granularity=grain,
        threshold=_NEVER,  # never rounded up into a larger unit
        locale=locale(locale_tag),
    )
