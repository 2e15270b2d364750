"""What a digest says: the content of the delivery that carries it, and of all that it tells.

Pure. Out: how many streams were paused, resumed and cancelled, or still are
paused, and which lines there is room for.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from notifier.content import DIGEST, Content
from notifier.news import (
    REMINDER,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    STREAM_PAUSED,
    STREAM_RESUMED,
)

MOST_LINES = 50  # of an email; the inbox has the others


class Digest(NamedTuple):
    """`content`: as a letter of its own kind. `lines`: what is listed, oldest first; `more`: the rest.

    `since`: of what is told once a day, when the first of it happened, unix seconds.
    """

    content: Content
    paused: int
    resumed: int
    cancelled: int
    reminded: int
    lines: tuple[Content, ...]
    more: int
    since: int | None = None


def digest_of(carrier: Content, told: Sequence[Content], *, daily: bool = False) -> Digest:
    """Of these news, in the order in which they happened. `daily`: those of a day."""
    lines = tuple(told[-MOST_LINES:])
    return Digest(
        msgspec.structs.replace(
            carrier,
            kind=DIGEST,
            stream_id=None,
            link=_link(carrier, told),
            pauses=(),
            money=None,
            ledger=None,
        ),
        paused=_count(told, STREAM_PAUSED),
        resumed=_count(told, STREAM_RESUMED),
        cancelled=_count(told, STREAM_CANCELLED, STREAM_CANCELLED_WHILE_PAUSED),
        reminded=_count(told, REMINDER),
        lines=lines,
        more=len(told) - len(lines),
        since=min(each.happened_at for each in told) if daily else None,
    )


def _count(told: Sequence[Content], *kinds: str) -> int:
    return sum(each.kind in kinds for each in told)


def _link(carrier: Content, told: Sequence[Content]) -> str | None:
    """Where all of it is shown: the contract, where it is one; else the list of streams."""
    if carrier.link is None:
        return None
    place = carrier.link.partition("/streams/")[0]
    if all(each.contract_id == carrier.contract_id for each in told):
        return f"{place}/contracts/{carrier.contract_id}"
    return f"{place}/streams"
