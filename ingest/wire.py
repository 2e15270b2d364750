"""getEvents' result as stellar-rpc writes it, spelled as on the wire; msgspec decodes the base64.

Fields that nobody needs (operationIndex, transactionIndex, inSuccessfulContractCall) are skipped.
Source: go-stellar-sdk, protocols/rpc/get_events.go.
"""

from typing import Annotated, Generic, TypeVar

import msgspec

E = TypeVar("E")

LedgerNumber = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
_EventId = Annotated[str, msgspec.Meta(min_length=1)]


class Event(msgspec.Struct, gc=False):
    """One event; `topic` is absent when there are none."""

    id: _EventId
    type: str
    ledger: LedgerNumber
    ledgerClosedAt: str  # noqa: N815 - the RPC's spelling, here and below
    contractId: str  # noqa: N815
    txHash: str  # noqa: N815
    value: bytes
    topic: list[bytes] = []


class EventWithId(msgspec.Struct):
    """The least that an event must have to be kept."""

    id: _EventId


class Page(msgspec.Struct, Generic[E]):
    """The result; close times are unix seconds, in strings."""

    events: list[E]
    cursor: str
    latestLedger: LedgerNumber  # noqa: N815
    oldestLedger: LedgerNumber  # noqa: N815
    latestLedgerCloseTime: str | int  # noqa: N815
    oldestLedgerCloseTime: str | int  # noqa: N815


PAGE = msgspec.json.Decoder(Page[Event])
PAGE_OF_RAW_EVENTS = msgspec.json.Decoder(Page[msgspec.Raw])
EVENT = msgspec.json.Decoder(Event)
EVENT_ID = msgspec.json.Decoder(EventWithId)
RAW_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
