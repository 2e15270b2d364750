"""Links of letters to what they tell: which letter somebody came from, for three months.

A link names a delivery, an id that only its own key ties to a person, and its last second, and carries a
mark that only the holder of the master key can make: nothing is stored for it, nobody makes one up or makes
one last, and the same delivery always has the same link.
"""

import base64
import hmac
from typing import Final
from uuid import UUID

from notifier.privacy import Vault

TOLD_PATH: Final = "/v1/told/{token}"
DAYS: Final = 90
TOKEN_LENGTH: Final = 48
_ID_BYTES: Final = 16
_TIME_BYTES: Final = 4  # unix seconds, until the year 2106
_MARK_BYTES: Final = 16
_MICROS: Final = 1_000_000


def token_for(vault: Vault, delivery_id: UUID, planned_at: int) -> str:
    """The part of a link that names a delivery. `planned_at`: microseconds."""
    ends = planned_at // _MICROS + DAYS * 86_400
    raw = delivery_id.bytes + ends.to_bytes(_TIME_BYTES, "big")
    return base64.urlsafe_b64encode(raw + _mark(vault, raw)).decode()


def link_for(vault: Vault, delivery_id: UUID, planned_at: int, public_url: str) -> str:
    """The link in full."""
    return public_url + TOLD_PATH.format(token=token_for(vault, delivery_id, planned_at))


def delivery_of(vault: Vault, token: str, now: int) -> UUID | None:
    """The delivery that a link names; None: it is not one of ours, or its time is over."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    named, mark = raw[: _ID_BYTES + _TIME_BYTES], raw[_ID_BYTES + _TIME_BYTES :]
    if not hmac.compare_digest(mark, _mark(vault, named)):
        return None
    ends = int.from_bytes(named[_ID_BYTES:], "big")
    return UUID(bytes=named[:_ID_BYTES]) if now < ends * _MICROS else None


def _mark(vault: Vault, named: bytes) -> bytes:
    return vault.mark(b"told", named)[:_MARK_BYTES]
