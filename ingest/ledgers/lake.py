"""A data lake of ledgers as a source of contract events: it may go back to the network's first ledger.

In:   contracts and a position, as for any source
Out:  Page; its cursor has passed the last ledger that was wholly read
Next: record.py

A lake says of which network it is; one of another is refused, and one of another chain of that name
(lake_chain.py). It has no window: what is not there has
either not come yet (the lake's newest ledger lies before it) or is not kept; then the next one that is
there is named (holdings.py).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from ingest.decode import Page
from ingest.errors import LakeUnusable, LedgerUnreadable, NodeBehind, NotServed, Undecodable
from ingest.ledgers import holdings
from ingest.ledgers.batch import ledgers_of, unpacked
from ingest.ledgers.lake_chain import LakeChain
from ingest.ledgers.layout import EXTENSIONS, MANIFEST, Manifest, read_manifest
from ingest.ledgers.objects import Objects
from ingest.ledgers.pages import Place, RawLedger, read_ledgers
from ingest.pins import Pin

MOST_AT_ONCE: Final = 32
AIM_BYTES: Final = 8 * 1024 * 1024  # of packed objects in one page


class LedgerLake:
    """Pages out of a lake."""

    def __init__(
        self,
        url: str,
        *,
        passphrase: str,
        timeout_seconds: float,
        pins: Callable[[], Sequence[Pin]] = tuple,
    ) -> None:
        """Nothing is asked yet. `pins`: ledgers that must be the same in it."""
        self._objects = Objects(url, timeout_seconds=timeout_seconds)
        self._chain = LakeChain(self._objects.name, pins)
        self._passphrase = passphrase
        self._manifest: Manifest | None = None
        self._extension = EXTENSIONS[0]
        self._at_once = 4

    @property
    def name(self) -> str:
        """Where it is, without credentials."""
        return self._objects.name

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """See PageSource."""
        manifest = self._manifest = self._manifest or await self._read_manifest()
        await self._chain.check(
            partial(holdings.newest, self._objects), partial(self._read_one, manifest)
        )
        place = Place.of(cursor, start_ledger)
        bodies = await self._batches(manifest, place.ledger)
        read = await asyncio.to_thread(
            read_ledgers,
            _ledgers(manifest, place.ledger, bodies),
            contracts=contracts,
            place=place,
            limit=limit,
            source=self.name,
        )
        return read.page(source=self.name)

    async def _read_manifest(self) -> Manifest:
        body = await self._objects.get(MANIFEST)
        if body is None:
            raise LakeUnusable(self.name, f"there is no {MANIFEST} in it")
        manifest = read_manifest(body, lake=self.name)
        if manifest.network_passphrase != self._passphrase:
            raise LakeUnusable(
                self.name,
                f"it is of {manifest.network_passphrase!r}, we follow {self._passphrase!r}",
            )
        return manifest

    async def _batches(self, manifest: Manifest, ledger: int) -> list[bytes]:
        """Packed batches from the one with this ledger on. Raises NodeBehind, NotServed."""
        first = await self._first(manifest, ledger)
        step = manifest.ledgers_per_batch
        keys = [
            manifest.key_of(ledger + step * number, self._extension)
            for number in range(1, self._at_once)
        ]
        bodies = [first]
        for body in await asyncio.gather(*(self._objects.get(key) for key in keys)):
            if body is None:
                break
            bodies.append(body)
        average = sum(map(len, bodies)) // len(bodies)
        fitting = AIM_BYTES // max(average, 1)
        self._at_once = max(1, min(fitting, self._at_once * 2, MOST_AT_ONCE))
        return bodies

    async def _read_one(self, manifest: Manifest, ledger: int) -> Iterator[RawLedger] | None:
        body = await self._get(manifest, ledger)
        return None if body is None else _ledgers(manifest, ledger, [body])

    async def _get(self, manifest: Manifest, ledger: int) -> bytes | None:
        """The packed batch with a ledger, whatever its name ends in."""
        for extension in (self._extension, *EXTENSIONS):
            body = await self._objects.get(manifest.key_of(ledger, extension))
            if body is not None:
                self._extension = extension
                return body
        return None

    async def _first(self, manifest: Manifest, ledger: int) -> bytes:
        body = await self._get(manifest, ledger)
        if body is not None:
            return body
        newest = await holdings.newest(self._objects)
        if newest is not None and ledger > newest:
            raise NodeBehind(newest, ledger)
        later = await holdings.next_after(self._objects, ledger)
        raise NotServed(f"{self.name} does not have ledger {ledger}", later)


def _ledgers(manifest: Manifest, ledger: int, bodies: Sequence[bytes]) -> Iterator[RawLedger]:
    """The ledgers from `ledger` on, unpacked one batch after the other. Raises LedgerUnreadable."""
    step = manifest.ledgers_per_batch
    start = ledger // step * step
    for body in bodies:
        # The network's first ledger is 1: a lake's first batch begins with it or with 2 (SEP-54).
        try:
            batch = unpacked(body)
        except Undecodable as error:
            raise LedgerUnreadable(max(start, ledger), error.reason, start + step) from error
        for raw in ledgers_of(batch, first=start, last=start + step - 1):
            if raw.sequence >= ledger:
                yield raw
        start += step
