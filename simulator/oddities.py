"""What a faulty node tells of itself: cursors, newest ledgers and close times that no correct node has.

Drawn per answer and apart from the weather, so that the same weather stays what it was. None of them hides
an event for good: who asks again, or looks twice, loses nothing.
"""

import base64
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import msgspec

from simulator.ledger import ContractEvent, ledger_of, window_end

_U32: Final = 2**32 - 1
_LEAP: Final = 1_000_000
_DAY: Final = 86_400
_IN_THE_HASH: Final = 20  # behind version and extension of the close meta


class Oddity(StrEnum):
    """One kind; the value is its name under `oddities` in the faults file."""

    CURSOR_STILL = "cursor_still"  # the cursor that was asked with, once more
    CURSOR_BACK = "cursor_back"  # a cursor before the one that was asked with
    UNSORTED = "unsorted"  # events in any order
    DOUBLED = "doubled"  # an event twice
    REST_LOST = "rest_lost"  # a full page says that it ends with the window
    LEAP = "leap"  # the newest ledger is the last one there can be
    LEAP_WHOLE = (
        "leap_whole"  # a newest ledger far away, and a cursor that has passed ledgers up to it
    )
    OLDEST_LEAP = "oldest_leap"  # the window begins far away
    TIMES_BACK = "times_back"  # close times of the day before
    LEDGER_MISSING = "ledger_missing"  # getLedgers leaves one out in the middle
    ALTERED = "altered"  # getLedgers tells one whose hash is not its own


class Told(msgspec.Struct):
    """getEvents' answer before it is written down. `asked`: the cursor of the request, if any."""

    events: list[ContractEvent]
    cursor: str
    asked: str | None
    is_full: bool
    latest: int
    oldest: int
    latest_closed_at: int
    oldest_closed_at: int


def _cursor_still(told: Told) -> None:
    told.cursor = told.asked or told.cursor


def _cursor_back(told: Told) -> None:
    place = ledger_of(told.asked or told.cursor)
    told.cursor = window_end(max(1, place - 3))


def _unsorted(told: Told) -> None:
    told.events.reverse()


def _doubled(told: Told) -> None:
    told.events += told.events[:1]


def _rest_lost(told: Told) -> None:
    if told.is_full:
        told.cursor = window_end(told.latest)


def _leap(told: Told) -> None:
    told.latest = _U32


def _leap_whole(told: Told) -> None:
    told.latest += _LEAP
    if not told.is_full:
        told.cursor = window_end(ledger_of(told.cursor) + 9_999)


def _oldest_leap(told: Told) -> None:
    told.oldest += _LEAP
    told.latest += _LEAP


def _times_back(told: Told) -> None:
    told.latest_closed_at -= _DAY


ANSWERS: Final[dict[Oddity | None, Callable[[Told], None]]] = {
    Oddity.CURSOR_STILL: _cursor_still,
    Oddity.CURSOR_BACK: _cursor_back,
    Oddity.UNSORTED: _unsorted,
    Oddity.DOUBLED: _doubled,
    Oddity.REST_LOST: _rest_lost,
    Oddity.LEAP: _leap,
    Oddity.LEAP_WHOLE: _leap_whole,
    Oddity.OLDEST_LEAP: _oldest_leap,
    Oddity.TIMES_BACK: _times_back,
}


def with_odd_ledgers(answer: dict[str, Any], oddity: Oddity | None) -> dict[str, Any]:
    """An answer of getLedgers without a ledger from its middle, or with one whose hash is not its own."""
    ledgers = answer["ledgers"]
    middle = len(ledgers) // 2
    if oddity is Oddity.LEDGER_MISSING and len(ledgers) > 1:
        return answer | {"ledgers": ledgers[:middle] + ledgers[middle + 1 :]}
    if oddity is Oddity.ALTERED and ledgers:
        meta = bytearray(base64.b64decode(ledgers[middle]["metadataXdr"]))
        meta[_IN_THE_HASH] ^= 0x01
        altered = ledgers[middle] | {"metadataXdr": base64.b64encode(meta).decode()}
        return answer | {"ledgers": [*ledgers[:middle], altered, *ledgers[middle + 1 :]]}
    return answer
