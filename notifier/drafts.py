"""What a letter is made of before it is written, or why it must not leave.

Only a destination that the guest list admitted makes a draft (guests.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from notifier.channels.channel import Admitted, Letter
from notifier.content import Content
from notifier.guests import NOT_A_GUEST
from notifier.states import CANCELLED, SUPPRESSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a letter is made of. `told`: of a digest, all that it tells, in the order of what happened.

    `daily`: the digest is its reader's of the day. `repeats`: an earlier try may have arrived.
    `site`: keyed hash of where the destination is at (sites.py).
    """

    content: Content
    language: str
    template_version: str
    thread: str
    destination: Admitted
    unsubscribe_url: str | None = None
    site: str = ""
    told: tuple[Content, ...] = ()
    daily: bool = False
    repeats: bool = False


class Withheld(NamedTuple):
    """Why a letter must not leave any more, as the delivery's state and reason."""

    state: str
    reason: str


class Ready(NamedTuple):
    """A letter that needs no words, and where it goes: a webhook's."""

    letter: Letter
    destination: Admitted
    site: str = ""


class Place(NamedTuple):
    """Where a letter would go, in clear, and what becomes of it once the guest list admits that."""

    destination: str
    then: Callable[[Admitted], Draft | Ready | Withheld]


ERASED = Withheld(CANCELLED, "erased")
STRANGER = Withheld(SUPPRESSED, NOT_A_GUEST)
