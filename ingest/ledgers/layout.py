"""Where a data lake keeps a ledger: SEP-54, as Galexie writes it.

    .config.json                            the manifest
    FFFFFFFF--0-63999/FFFFFC17--1000.xdr.zst    partition / batch; one ledger a batch has no "-last"

Each name begins with 2^32-1 minus its first ledger, so that the newest sorts first; a lake with one batch
a partition has no partitions. Sources: SEP-54 0.2; go-stellar-sdk support/datastore (schema.go, and
configure.go, whose manifest this is).
"""

from typing import Annotated, Final

import msgspec

from ingest.errors import LakeUnusable

MANIFEST: Final = ".config.json"
EXTENSIONS: Final = ("zst", "zstd")  # Galexie wrote the second one until 2025
_LAST: Final = 2**32 - 1
_MOST_LEDGERS: Final = 10_000  # of a batch: it is read as a whole

_Count = Annotated[int, msgspec.Meta(ge=1, le=_LAST)]


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What a lake says about itself."""

    network_passphrase: str
    ledgers_per_batch: _Count
    batches_per_partition: _Count
    compression: str = "zstd"

    def key_of(self, ledger: int, extension: str) -> str:
        """The key of the batch that holds a ledger."""
        batch = self.ledgers_per_batch
        first = ledger // batch * batch
        key = _range(first, min(first + batch - 1, _LAST))
        if self.batches_per_partition > 1:
            partition = batch * self.batches_per_partition
            start = ledger // partition * partition
            last = min(start + partition - 1, _LAST)
            key = f"{_range(start, last, always=True)}/{key}"
        return f"{key}.xdr.{extension}"


def read_manifest(body: bytes, *, lake: str) -> Manifest:
    """The manifest's JSON. Raises LakeUnusable."""
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except (msgspec.DecodeError, ValueError) as error:
        raise LakeUnusable(lake, f"its {MANIFEST} does not read: {error}") from error
    if manifest.compression != "zstd":
        raise LakeUnusable(lake, f"it is compressed by {manifest.compression!r}, not zstd")
    if manifest.ledgers_per_batch > _MOST_LEDGERS:
        raise LakeUnusable(lake, f"its batches hold more than {_MOST_LEDGERS} ledgers")
    return manifest


def _range(first: int, last: int, *, always: bool = False) -> str:
    """`always`: name the last ledger also where it is the first."""
    name = f"{_LAST - first:08X}--{first}"
    return name if first == last and not always else f"{name}-{last}"
