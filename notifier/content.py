"""What a notice is made of, before it is words: stored at planning, rendered by rendering.py.

In: what planning knows. Out: the stored form, and what one channel carries of it once it is worded.

Content names no destination, and no account but, shortened, who paused. Language, time zone and the
version of the words are pinned on the notice: a repeat reads the same to the byte.
"""

from typing import NamedTuple

import msgspec

TEMPLATE_VERSION = "2"
EMPLOYEE = "employee"
EMPLOYER = "employer"
IN_APP = "in_app"
EMAIL = "email"
SMS = "sms"
DIGEST = "digest"  # the kind of a letter that tells several; why a delivery was cancelled whose news it has

_SHORT_ENDS = 4  # characters kept at either end of a strkey


class Pause(msgspec.Struct, frozen=True, array_like=True):
    """A pause as a note of a revision lists it; unix seconds, None: not known, or not over."""

    paused_at: int | None
    resumed_at: int | None


class Money(msgspec.Struct, frozen=True, array_like=True):
    """What the contract's own numbers say, in base units; None: they do not say it.

    `earned`, `withdrawn`: from the stream's beginning until the news. `settled`, `refunded`: paid out and
    given back by a cancellation. `asset`, `decimals`: how the token is called and counted.
    """

    asset: str
    decimals: int
    earned: int | None = None
    withdrawn: int | None = None
    settled: int | None = None
    refunded: int | None = None

    @property
    def left(self) -> int:
        """Earned and not withdrawn; never less than nothing."""
        return max((self.earned or 0) - (self.withdrawn or 0), 0)


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the words are made of. Times in unix seconds; `reference`: how people quote the notice.

    `happened_at`: when what is told happened. `learned_at`: when it was planned. `paused_since`: start
    of the pause that ended. `pauses`: of a revision, those that are new or read differently now.
    `paused_by`: who paused, shortened; `paused_by_role`: as what (domain/actors.py). `ledger`: which one
    closed over it. `locale`: how dates and numbers are written, where a region has its own way.
    `time_zone`: IANA name, None: UTC. `network`: its name, where it is not the one with real money.
    """

    kind: str
    role: str
    contract_id: str
    stream_id: int | None
    happened_at: int
    learned_at: int
    reference: str
    link: str | None = None
    late: bool = False
    start_known: bool = True
    paused_since: int | None = None
    pauses: tuple[Pause, ...] = ()
    paused_by: str | None = None
    paused_by_role: str | None = None
    ledger: int | None = None
    locale: str | None = None
    time_zone: str | None = None
    network: str | None = None
    money: Money | None = None


class Rendered(NamedTuple):
    """A content as one channel carries it; `subject` is also a push's title."""

    subject: str
    text: str
    html: str | None = None


def encode_content(content: Content) -> bytes:
    """The stored form."""
    return msgspec.msgpack.encode(content)


def decode_content(stored: bytes) -> Content:
    """The way back."""
    return msgspec.msgpack.decode(stored, type=Content)


def flat(text: str) -> str:
    """One line of plain text (never marked as safe HTML), single spaces."""
    return " ".join(str(text).split())


def short(strkey: str) -> str:
    """A strkey as people compare it: CDLZ…CYSC."""
    return f"{strkey[:_SHORT_ENDS]}…{strkey[-_SHORT_ENDS:]}"
