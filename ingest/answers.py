"""Reads JSON-RPC answers and sorts what is wrong with them by the reaction they call for.

Neither the HTTP status nor the JSON-RPC code is enough: stellar-rpc answers 200 to everything it
understood and uses -32600 both for "that ledger is gone" and for any trouble with its database, so the
message decides (jsonrpc errors of stellar-rpc v28, methods/get_events.go).
"""

import re
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from ingest.errors import IngestError, RequestRefused, RpcUnavailable
from ingest.transport import HttpAnswer

_RANGE: Final = re.compile(r"startLedger must be within the ledger range: (\d+) - (\d+)")
_LEDGERS_RANGE: Final = re.compile(
    r"must be between the oldest ledger: (\d+) and the latest ledger: (\d+)"
)
_INVALID_REQUEST: Final = -32600
_OUR_FAULT: Final = {-32601, -32602}
_TRY_AGAIN: Final = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_EXCERPT: Final = 200


class Refusal(msgspec.Struct):
    """A JSON-RPC error; `data` is text in stellar-rpc, anything in gateways."""

    code: int
    message: str
    data: msgspec.Raw = msgspec.Raw()


class LedgerWindow(NamedTuple):
    """The ledgers a node has, both ends included."""

    oldest: int
    latest: int

    def has(self, ledger: int) -> bool:
        """Whether a ledger is among them."""
        return self.oldest <= ledger <= self.latest


class _Answer(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Refusal | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def read_answer(http: HttpAnswer, *, request_id: int, source: str) -> msgspec.Raw | Refusal:
    """The result's JSON text, or the error. Raises RpcUnavailable, RequestRefused."""
    if http.status != HTTPStatus.OK:
        raise _http_error(http, source)
    try:
        answer = _ANSWER.decode(http.body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RpcUnavailable(f"{source} did not answer in JSON-RPC: {error}") from error
    if answer.error is not None:
        return answer.error
    if answer.id != request_id:
        raise RpcUnavailable(f"{source} answered request {answer.id!r} instead of {request_id}")
    if not bytes(answer.result):
        raise RpcUnavailable(f"{source} answered with neither a result nor an error")
    return answer.result


def _http_error(http: HttpAnswer, source: str) -> IngestError:
    if http.status in _TRY_AGAIN or http.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RpcUnavailable(f"{source} answered HTTP {http.status}", http.retry_after)
    return RequestRefused(source, http.status, "HTTP status")


def ledger_window(refusal: Refusal) -> LedgerWindow | None:
    """What the node has, if the error says that the asked ledger lies outside of it."""
    found = _RANGE.search(refusal.message) if refusal.code == _INVALID_REQUEST else None
    return None if found is None else LedgerWindow(int(found[1]), int(found[2]))


def ledgers_window(refusal: Refusal) -> LedgerWindow | None:
    """The same for getLedgers, which words it otherwise."""
    found = _LEDGERS_RANGE.search(refusal.message)
    return None if found is None else LedgerWindow(int(found[1]), int(found[2]))


def error_of(refusal: Refusal, source: str) -> IngestError:
    """The error that any other refusal amounts to."""
    text = refusal.message[:_EXCERPT]
    if refusal.code in _OUR_FAULT:
        detail = bytes(refusal.data)[:_EXCERPT].decode(errors="replace")
        return RequestRefused(source, refusal.code, f"{text} {detail}".rstrip())
    return RpcUnavailable(f"{source}: {text} ({refusal.code})")
