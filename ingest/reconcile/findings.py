"""What reconciling may find, each by its name, and what heals it."""

from enum import StrEnum
from typing import Final, NamedTuple

from ingest.told import Told


class Kind(StrEnum):
    """A finding's name in reports, metrics and runbooks."""

    PAUSE_MISSED = "pause_missed"  # the contract keeps a pause or resume that no event told us
    PAUSE_NOT_STORED = "pause_not_stored"  # an event told a pause or resume that it does not keep
    CONTRACT_PAUSE = "contract_pause_differs"  # set without an event: a multisig's emergency pause
    STREAM_NOT_MET = "stream_not_met"  # the contract keeps a stream that no event told us of
    STATUS = "status_differs"
    PARTIES_UNKNOWN = "parties_unknown"  # no event told us whom the stream concerns
    PARTIES = "parties_differ"
    UNREADABLE = "unreadable"  # entries that are absent, cut, of another shape, or cannot be true
    NOT_COMPARED = "not_compared"  # changed in a ledger that live following has not passed
    NOT_RECONCILABLE = "not_reconcilable"  # the profile does not say how the contract keeps it
    ARCHIVED = "archived"
    TIME_TO_LIVE = "time_to_live_near"
    SIZE = "size_limit_near"


WARNINGS: Final = frozenset((Kind.ARCHIVED, Kind.TIME_TO_LIVE, Kind.SIZE))
# What a stream's parties are told from: it is changed on a person's word only (`reconcile --heal`).
HEALED_ON_SCHEDULE: Final = frozenset(Kind) - {Kind.PARTIES}


class Finding(NamedTuple):
    """One finding about a stream, or (None) about the whole contract.

    `told`: the facts that heal it, none where nothing can. `healed`: they are recorded.
    """

    kind: Kind
    stream_id: int | None
    detail: str
    told: tuple[Told, ...] = ()
    healed: bool = False

    @property
    def is_warning(self) -> bool:
        """Our record is right; the contract's own may become unusable."""
        return self.kind in WARNINGS

    @property
    def is_open(self) -> bool:
        """Our record and the contract's differ, or nobody can tell."""
        return not self.healed and not self.is_warning
