"""Which ledgers a data lake holds, from the names of its objects: the newest, and the next after a hole.

Names tell first and last ledger of a batch or of a partition (layout.py). A listing costs a request for
every thousand names, so it is asked for only where an object is missing.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ingest.ledgers.objects import Objects

_NAME: Final = re.compile(r"(?:^|/)[0-9A-F]{8}--(\d{1,10})(?:-(\d{1,10}))?(\.xdr\.\w+)?/?$")


class _Named(NamedTuple):
    """A batch, or a partition (a folder of batches), by its ledgers."""

    first: int
    last: int
    key: str
    is_batch: bool


async def newest(objects: Objects) -> int | None:
    """The last ledger of the newest batch, None in an empty lake. Raises LakeUnavailable."""
    below = _named(await objects.below(""))
    while below:
        found = max(below)
        if found.is_batch:
            return found.last
        below = _named(await objects.below(found.key))
    return None


async def next_after(objects: Objects, ledger: int) -> int | None:
    """The first ledger beyond this one of which there is a batch. Raises LakeUnavailable."""
    for found in sorted(_named(await objects.below(""))):
        if found.last <= ledger:
            continue
        if not found.is_batch:
            batches = _named(await objects.below(found.key))
            begins = [each.first for each in batches if each.is_batch and each.first > ledger]
            if begins:
                return min(begins)
        elif found.first > ledger:
            return found.first
    return None


def _named(keys: Iterable[str]) -> list[_Named]:
    found = ((key, _NAME.search(key)) for key in keys)
    return [
        _Named(int(name[1]), int(name[2] or name[1]), key, name[3] is not None)
        for key, name in found
        if name is not None
    ]
