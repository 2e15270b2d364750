"""getLedgers over the chain: whole ledgers with their metas, a page of them.

Source: stellar-rpc 28 `methods/get_ledgers.go` and go-stellar-sdk `protocols/rpc/get_ledgers.go`, with the
fault of 28 that a cursor at the newest ledger is refused. Only base64 is served, xdrFormat json is not.
"""

from typing import Any

from simulator import scval
from simulator.chain import Chain
from simulator.errors import RpcFailure
from simulator.ledger import Ledger
from simulator.ledger_xdr import close_meta
from simulator.request_fields import INVALID_PARAMS, U32_MAX, field, number

MAX_LEDGERS = 200
DEFAULT_LEDGERS = 50
_INVALID_REQUEST = -32600


def get_ledgers(
    chain: Chain, params: dict[str, Any], tip: Ledger, oldest: Ledger, served_from: int
) -> dict[str, Any]:
    """The result of getLedgers. Raises RpcFailure.

    `served_from`: the first ledger handed out, below `oldest` where a data store is behind the node.
    """
    start, limit = _page(params, served_from, tip.sequence)
    last = min(start + limit - 1, tip.sequence)
    return {
        "ledgers": [_info(chain.ledger(sequence)) for sequence in range(start, last + 1)],
        "latestLedger": tip.sequence,
        "latestLedgerCloseTime": tip.closed_at,
        "oldestLedger": oldest.sequence,
        "oldestLedgerCloseTime": oldest.closed_at,
        "cursor": str(last),
    }


def _page(params: dict[str, Any], oldest: int, latest: int) -> tuple[int, int]:
    """The first ledger and how many, checked in the server's order and with its words."""
    start = number(params, "startLedger")
    pagination = field(params, "pagination", dict, {})
    cursor = field(pagination, "cursor", str, "")
    limit = number(pagination, "limit")
    known = f"the oldest ledger: {oldest} and the latest ledger: {latest} for this rpc instance"
    faults = []
    if cursor and start:
        faults.append(f"startLedger ({start}) and cursor ({cursor}) cannot both be set")
    elif not cursor and not oldest <= start <= latest:
        faults.append(f"start ledger ({start}) must be between {known}")
    elif limit > MAX_LEDGERS:
        faults.append(f"limit must not exceed {MAX_LEDGERS}")
    kind = field(params, "xdrFormat", str, "")
    if kind not in {"", "base64", "json"}:
        faults.append(f"got '{kind}': expected base64, json for optional 'xdrFormat'")
    if faults:
        raise RpcFailure(_INVALID_REQUEST, "\n".join(faults))
    if cursor:
        start = _behind(cursor)
        if not oldest <= start <= latest:
            raise RpcFailure(INVALID_PARAMS, f"cursor ('{cursor}') must be between {known}")
    return start, limit or DEFAULT_LEDGERS


def _behind(cursor: str) -> int:
    if not cursor.isdecimal() or int(cursor) > U32_MAX:
        fault = f'strconv.ParseUint: parsing "{cursor}": invalid syntax'
        raise RpcFailure(INVALID_PARAMS, fault)
    return int(cursor) + 1


def _info(ledger: Ledger) -> dict[str, Any]:
    entry = bytes.fromhex(ledger.hash) + ledger.header + bytes(4)
    return {
        "hash": ledger.hash,
        "sequence": ledger.sequence,
        "ledgerCloseTime": str(ledger.closed_at),
        "headerXdr": scval.text(entry),
        "metadataXdr": scval.text(close_meta(ledger)),
    }
