"""Facts that no contract event told: read from the contract's storage, or from a transaction.

They enter the log by the same door as events (T1): evidence first, then the fact, judged by its
aggregate in chain order. What is read is understood by whoever reads it, so no profile stands between.
"""

from hashlib import sha256
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from domain.facts import Fact
from ingest.decode import ContractEvent


class Told(msgspec.Struct, frozen=True, gc=False):
    """One fact with its evidence.

    `evidence_bytes`: what it was read from, as it came. `told_by`: name@version of the reader; it
    stands where an event's outcome names its profile.
    """

    fact: Fact
    evidence_bytes: bytes
    told_by: str
    defect: None = None

    @property
    def event_id(self) -> str:
        """The fact's own id, which is its evidence's too."""
        return self.fact.event_id

    @property
    def contract_id(self) -> str:
        """Whose fact it is."""
        return self.fact.contract_id

    @property
    def ledger(self) -> int:
        """The ledger it stands at."""
        return self.fact.ledger

    @property
    def closed_at(self) -> int:
        """That ledger's close time, unix seconds."""
        return self.fact.closed_at

    @property
    def sha256(self) -> bytes:
        """Of the evidence."""
        return sha256(self.evidence_bytes).digest()


Tellable: TypeAlias = ContractEvent | Told


class Telling(Protocol):
    """Where and when something was told (a Page is one); no part of the evidence."""

    @property
    def source(self) -> str:
        """Which endpoint, lake or storage."""
        ...

    @property
    def seen_at(self) -> int:
        """Microseconds since 1970."""
        ...


class Read(NamedTuple):
    """A reading of something that is no page of events."""

    source: str
    seen_at: int
