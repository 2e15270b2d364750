"""getEvents over the chain: the 10,000-ledger window, the matching events, the cursor to go on from.

Source: stellar-rpc 28 `methods/get_events.go`. A full page ends at its last event, any other at the
window's end, so that an empty answer moves the caller on too.
"""

import json
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from simulator.chain import Chain
from simulator.errors import RpcFailure
from simulator.event_request import EventsRequest
from simulator.ledger import ContractEvent, event_id, ledger_of, window_end

LEDGER_SCAN_LIMIT = 10_000
_INVALID_REQUEST = -32600


class Page(NamedTuple):
    """What one request scanned: matching events and where to go on."""

    events: list[ContractEvent]
    cursor: str


def scan(chain: Chain, request: EventsRequest, *, latest: int, oldest: int | None = None) -> Page:
    """The matching events of the window. Raises RpcFailure.

    `oldest`, `latest`: the ledgers that this node has; `oldest` None: as many as the chain keeps.
    """
    oldest = chain.oldest.sequence if oldest is None else oldest
    start = request.start_ledger if request.cursor is None else ledger_of(request.cursor)
    if not oldest <= start <= latest:
        message = f"startLedger must be within the ledger range: {oldest} - {latest}"
        raise RpcFailure(_INVALID_REQUEST, message)
    end = min(start + LEDGER_SCAN_LIMIT, latest + 1)
    if request.end_ledger:
        end = min(end, request.end_ledger)
    first = chain.first_at(start) if request.cursor is None else chain.first_after(request.cursor)
    last = bisect_left(chain.event_ids, event_id(end, 0, 0, 0), lo=first) if end > start else first
    events: list[ContractEvent] = []
    for place in range(first, last):
        event = chain.events[place]
        if not request.filters or any(each.matches(event) for each in request.filters):
            events.append(event)
            if len(events) == request.limit:
                return Page(events, event.event_id)
    return Page(events, window_end(end - 1))


def events_json(events: Sequence[ContractEvent], *, as_json: bool) -> bytes:
    """The `events` array."""
    if not as_json:
        return b"[" + b",".join(event.wire for event in events) + b"]"
    return json.dumps([_with_decoded_values(event) for event in events]).encode()


def _with_decoded_values(event: ContractEvent) -> dict[str, Any]:
    from stellar_sdk import xdr

    wire: dict[str, Any] = json.loads(event.wire)
    wire["valueJson"] = json.loads(xdr.SCVal.from_xdr(wire.pop("value")).to_json())
    topics = [json.loads(xdr.SCVal.from_xdr(each).to_json()) for each in wire.pop("topic", [])]
    return {**wire, "topicJson": topics} if topics else wire
