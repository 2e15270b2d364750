"""Cursors of getEvents: the id of an event, or the end of a wholly scanned window of ledgers.

Text `%019d-%010d`: a TOID (ledger << 32 | transaction << 12 | operation, SEP-35) and the event's index
in its operation. Bytewise order is chain order. After a page that is not full the cursor is the last
place of the last scanned ledger: transaction 2^20-1, operation 2^12-1, event 2^32-1.
"""

import re
from typing import Final

from ingest.errors import Undecodable

FIRST_LEDGER: Final = 1
LAST_LEDGER: Final = 2**31 - 1  # the last one that a TOID, a signed number, has room for
_LEDGER_SHIFT: Final = 32
_LAST_PLACE: Final = 2**32 - 1
_TOID_MAX: Final = 2**63 - 1
_LAST_EVENT: Final = f"{2**32 - 1:010d}"

_match = re.compile(r"(\d{19})-(\d{10})", re.ASCII).fullmatch


def _parts(cursor: str) -> tuple[int, str]:
    """TOID, and the event's index as written. Raises Undecodable."""
    found = _match(cursor)
    if found is None:
        raise Undecodable(f"{cursor[:60]!r} is not 19 digits, a dash and 10 digits")
    place, event = int(found[1]), found[2]
    if place > _TOID_MAX or event > _LAST_EVENT:
        raise Undecodable(f"{cursor!r} is beyond the last place there can be")
    return place, event


def is_place(text: str) -> bool:
    """Whether it is written as a cursor or an event id, and may be one."""
    try:
        _parts(text)
    except Undecodable:
        return False
    return True


def ledger_of(cursor: str) -> int:
    """The ledger that a cursor or an event id stands in. Raises Undecodable."""
    return _parts(cursor)[0] >> _LEDGER_SHIFT


def is_window_end(cursor: str) -> bool:
    """Whether the cursor has passed its ledger as a whole. Raises Undecodable."""
    place, event = _parts(cursor)
    return place & _LAST_PLACE == _LAST_PLACE and event == _LAST_EVENT


def needed_ledger(cursor: str) -> int:
    """The next ledger that is not wholly scanned; every one before it is. Raises Undecodable."""
    return ledger_of(cursor) + is_window_end(cursor)


def window_end(ledger: int) -> str:
    """The cursor that has passed `ledger` as a whole, as the RPC writes it."""
    return f"{ledger << _LEDGER_SHIFT | _LAST_PLACE:019d}-{_LAST_EVENT}"
