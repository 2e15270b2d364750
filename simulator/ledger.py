"""Closed ledgers: event ids, transactions with their events, the header whose hash chains them.

Event id = `%019d-%010d`: TOID (ledger << 32 | transaction << 12 | operation, SEP-35) and the event's
place in its operation; text order is chain order.
"""

from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

PROTOCOL_VERSION = 28
LAST_TRANSACTION = (1 << 20) - 1
LAST_OPERATION = (1 << 12) - 1
LAST_EVENT = (1 << 32) - 1


class ContractEvent(NamedTuple):
    """One event in a closed ledger. `wire`: its JSON object as getEvents prints it."""

    event_id: str
    type: str
    contract_id: str
    topics: tuple[str, ...]
    value: str
    wire: bytes


class Rules(NamedTuple):
    """How ledgers come out. `protocol`: 28, or 30, whose headers hold milliseconds (CAP-88).

    `fees`: each transaction's fee emits events of the native asset, as since CAP-67.
    """

    protocol: int = PROTOCOL_VERSION
    fees: bool = False


NETWORK_RULES = Rules()


class Stage(IntEnum):
    """When an event beside the operations happened: `TransactionEventStage` of CAP-67."""

    BEFORE_ALL = 0
    AFTER_TRANSACTION = 1
    AFTER_ALL = 2


class StagedEvent(NamedTuple):
    """An event of a transaction's fee."""

    stage: Stage
    event: ContractEvent


class Transaction(NamedTuple):
    """One transaction of a closed ledger; without events when it was refused (`failed`).

    `envelope`, `result`: XDR. `fees`: what its fee emitted, also where it failed.
    """

    hash: str
    order: int
    ledger: int
    envelope: bytes
    result: bytes
    events: tuple[ContractEvent, ...]
    failed: bool
    fees: tuple[StagedEvent, ...] = ()


class Ledger(NamedTuple):
    """One closed ledger. `hash` is the sha256 of `header`."""

    sequence: int
    closed_at: int
    hash: str
    header: bytes
    transactions: tuple[Transaction, ...]

    def events(self) -> list[ContractEvent]:
        """All of its events in id order: fees stand before and behind what the operations emitted."""
        found = [event for each in self.transactions for event in each.events]
        fees = [staged.event for each in self.transactions for staged in each.fees]
        return sorted(found + fees, key=lambda event: event.event_id) if fees else found


def event_id(ledger: int, transaction: int, operation: int, event: int) -> str:
    """The id text of an event, or of a place between events."""
    return f"{ledger << 32 | transaction << 12 | operation:019d}-{event:010d}"


def window_end(ledger: int) -> str:
    """The cursor that means "all of this ledger is scanned"; no event ever has it."""
    return event_id(ledger, LAST_TRANSACTION, LAST_OPERATION, LAST_EVENT)


def ledger_of(event_id_text: str) -> int:
    """The ledger of an event id or cursor."""
    return int(event_id_text[:19]) >> 32


@lru_cache(maxsize=16)
def rfc3339(unix_seconds: int) -> str:
    """A close time as getEvents prints it: UTC, whole seconds, `Z`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
