"""Which chain a data lake holds: a pinned ledger in it must be ours; a passphrase outlives a reset.

In: the lake's batches by ledger, and the pins (ingest/pins.py). Out: nothing; or LakeUnusable.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeAlias

import structlog

from ingest.errors import LakeUnavailable, LakeUnusable, LedgerUnreadable, Undecodable
from ingest.ledgers.header import read_header
from ingest.ledgers.pages import RawLedger
from ingest.pins import Pin
from store.errors import Transient

_LOG = structlog.get_logger()
_TRIED: Final = 5

Read: TypeAlias = Callable[[int], Awaitable[Iterator[RawLedger] | None]]


class LakeChain:
    """Of one lake; proven once. `pins`: ledgers that we know, the newest first."""

    def __init__(self, name: str, pins: Callable[[], Sequence[Pin]]) -> None:
        self._name = name
        self._pins = pins
        self._is_proven = False
        self._is_warned = False

    async def check(self, newest: Callable[[], Awaitable[int | None]], read: Read) -> None:
        """Compare the newest pinned ledger that the lake has. Raises LakeUnusable, LakeUnavailable.

        `read`: the ledgers from one on, where the lake has that one. A lake without any pinned ledger is
        believed by its passphrase, and that is said.
        """
        if self._is_proven:
            return
        pins = await self._known()
        last = await newest() if pins else None
        for pin in [each for each in pins if last is not None and each.ledger <= last][:_TRIED]:
            ledgers = await read(pin.ledger)
            found = None if ledgers is None else await asyncio.to_thread(_hash_of, ledgers, pin)
            if found is None:
                continue
            if found != pin.hash:
                raise LakeUnusable(
                    self._name,
                    f"its ledger {pin.ledger} has the hash {found}, not {pin.hash}: it holds another"
                    " chain of the same name, such as a test network before its reset",
                )
            self._is_proven = True
            return
        if not self._is_warned:
            self._is_warned = True
            _LOG.warning("chain_not_proven", endpoint=self._name, reason="no pinned ledger in it")

    async def _known(self) -> Sequence[Pin]:
        try:
            return await asyncio.to_thread(self._pins)
        except Transient as trouble:
            raise LakeUnavailable(f"the pinned ledgers cannot be read: {trouble}") from trouble


def _hash_of(ledgers: Iterator[RawLedger], pin: Pin) -> str | None:
    """The hash that the pinned ledger has there; None where it does not read."""
    try:
        for raw in ledgers:
            if raw.sequence == pin.ledger:
                return read_header(raw.meta, raw.sequence).hash.hex()
    except (LedgerUnreadable, Undecodable):
        return None
    return None
