"""The parameters of getEvents and their rules, with the exact words of stellar-rpc 28.

Source: go-stellar-sdk `protocols/rpc/get_events.go`; the cursor: `protocols/rpc/cursor.go`.
"""

from typing import Any, NamedTuple

from simulator.errors import RpcFailure
from simulator.event_filter import EventFilter
from simulator.request_fields import INVALID_PARAMS, U32_MAX, field, number, undecodable

DEFAULT_LIMIT = 100
MAX_FILTERS = 5


class EventsRequest(NamedTuple):
    """A valid getEvents request; either `start_ledger` or `cursor` is set."""

    start_ledger: int
    end_ledger: int
    cursor: str | None
    limit: int
    filters: tuple[EventFilter, ...]
    xdr_format: str


def parse_request(params: dict[str, Any], max_limit: int) -> EventsRequest:
    """Decode the parameters, then check them in the server's order. Raises RpcFailure."""
    pagination = field(params, "pagination", dict, {})
    cursor = field(pagination, "cursor", str, None)
    request = EventsRequest(
        start_ledger=number(params, "startLedger"),
        end_ledger=number(params, "endLedger"),
        cursor=None if cursor is None else canonical_cursor(cursor),
        limit=number(pagination, "limit") or DEFAULT_LIMIT,
        filters=tuple(EventFilter.decode(each) for each in field(params, "filters", list, [])),
        xdr_format=field(params, "xdrFormat", str, ""),
    )
    fault = _fault(request, max_limit)
    if fault:
        raise RpcFailure(INVALID_PARAMS, fault)
    return request


def _fault(request: EventsRequest, max_limit: int) -> str | None:
    rules = (
        (
            request.xdr_format in {"", "base64", "json"},
            f"got '{request.xdr_format}': expected base64, json for optional 'xdrFormat'",
        ),
        (
            request.cursor is None or not (request.start_ledger or request.end_ledger),
            "ledger ranges and cursor cannot both be set",
        ),
        (
            request.cursor is not None or request.start_ledger > 0,
            "startLedger must be positive",
        ),
        (request.limit <= max_limit, f"limit must not exceed {max_limit}"),
        (len(request.filters) <= MAX_FILTERS, "maximum 5 filters per request"),
    )
    for holds, message in rules:
        if not holds:
            return message
    for place, each in enumerate(request.filters, start=1):
        fault = each.fault()
        if fault:
            return f"filter {place} invalid: {fault}"
    return None


def canonical_cursor(text: str) -> str:
    """A cursor in the width that sorts. Raises RpcFailure as the server's decoder does."""
    toid, dash, index = text.partition("-")
    if not (dash and toid.isdecimal() and index.isdecimal()) or int(toid) >= 2**63:
        raise undecodable(f"invalid event id {text}")
    if int(index) > U32_MAX:
        raise undecodable(f"invalid event id {text}")
    return f"{int(toid):019d}-{int(index):010d}"
