"""A data lake of the simulated ledgers in a folder, as Galexie writes one: SEP-54 names, zstd, a manifest.

A batch appears once its last ledger has closed, whole at once. Source: SEP-54 0.2, Galexie's manifest.
"""

import json
import struct
from pathlib import Path
from typing import NamedTuple

import zstandard

from simulator.chain import Chain
from simulator.ledger_xdr import close_meta

_ALL_ONES = 0xFFFF_FFFF


class LakeShape(NamedTuple):
    """How many ledgers share an object, and how many objects a folder."""

    ledgers_per_batch: int = 1
    batches_per_partition: int = 64_000


GALEXIE = LakeShape()


class LakeWriter:
    """Writes each batch that is complete, once."""

    def __init__(self, folder: Path, *, passphrase: str, shape: LakeShape = GALEXIE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._shape = shape
        self._written = 0  # ledgers up to this one
        manifest = {
            "networkPassphrase": passphrase,
            "version": "1.0",
            "compression": "zstd",
            "ledgersPerBatch": shape.ledgers_per_batch,
            "batchesPerPartition": shape.batches_per_partition,
        }
        (folder / ".config.json").write_text(json.dumps(manifest), "utf-8")

    def write(self, chain: Chain) -> None:
        """Write what has become complete; a batch whose first ledgers are not kept is left out."""
        step = self._shape.ledgers_per_batch
        oldest, latest = chain.oldest.sequence, chain.latest.sequence
        first = max(self._written + 1, -(-oldest // step) * step)
        while first + step - 1 <= latest:
            self._write_batch(chain, first, first + step - 1)
            self._written = first + step - 1
            first += step

    def _write_batch(self, chain: Chain, first: int, last: int) -> None:
        metas = [close_meta(chain.ledger(sequence)) for sequence in range(first, last + 1)]
        batch = struct.pack(">III", first, last, len(metas)) + b"".join(metas)
        path = self._folder / self._key(first, last)
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(zstandard.compress(batch))
        part.replace(path)

    def _key(self, first: int, last: int) -> str:
        ends = f"-{last}" if last > first else ""
        name = f"{_ALL_ONES - first:08X}--{first}{ends}.xdr.zst"
        many = self._shape.ledgers_per_batch * self._shape.batches_per_partition
        if self._shape.batches_per_partition == 1:
            return name
        start = first // many * many
        return f"{_ALL_ONES - start:08X}--{start}-{start + many - 1}/{name}"
