"""A stellar-rpc in memory, as a Transport: ledgers, events, getEvents' paging, cursors and errors.

`answers` are given first, one per request: an HttpAnswer, a result, or an exception to raise. Events are
made with the SDK's encoder, so that decoding is never judged by our own code.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from stellar_sdk import scval, xdr

from ingest.transport import HttpAnswer
from tests.fakes import chain

PASSPHRASE = "Pausewire Test Network ; 2026"
SCAN_WINDOW = 10_000


def wire_event(
    ledger: int,
    index: int = 0,
    *,
    topics: Sequence[xdr.SCVal] = (),
    value: xdr.SCVal | None = None,
    **other: Any,
) -> dict[str, Any]:
    """An event as getEvents writes it; `topic` is left out where there are none."""
    event: dict[str, Any] = {
        "type": "contract",
        "ledger": ledger,
        "ledgerClosedAt": closed_at_text(ledger),
        "contractId": chain.CONTRACT,
        "id": chain.event_id(ledger, index),
        "operationIndex": 0,
        "transactionIndex": 1,
        "txHash": f"{ledger:064x}",
        "inSuccessfulContractCall": True,
        "value": (value or scval.to_void()).to_xdr(),
    }
    if topics:
        event["topic"] = [topic.to_xdr() for topic in topics]
    return event | other


def paused(ledger: int, index: int = 0, *, stream_id: int = 7, **other: Any) -> dict[str, Any]:
    """PayStream's pause of a stream."""
    parties = [scval.to_address(chain.EMPLOYER), scval.to_address(chain.EMPLOYEE)]
    return wire_event(
        ledger,
        index,
        topics=[scval.to_symbol("paused"), scval.to_uint64(stream_id)],
        value=scval.to_vec([*parties, scval.to_uint64(chain.GENESIS + ledger * 5)]),
        **other,
    )


def closed_at_text(ledger: int) -> str:
    """RFC 3339, as the RPC prints close times; ledgers close every five seconds."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(chain.GENESIS + ledger * 5, UTC)
    return moment.isoformat().replace("+00:00", "Z")


def result(events: Sequence[dict[str, Any]], **other: Any) -> dict[str, Any]:
    """A result of getEvents that ends with the newest ledger, 100."""
    page = {
        "events": list(events),
        "cursor": chain.event_id(100, 2**32 - 1, 2**20 - 1, 2**12 - 1),
        "latestLedger": 100,
        "oldestLedger": 1,
        "latestLedgerCloseTime": str(chain.GENESIS + 500),
        "oldestLedgerCloseTime": str(chain.GENESIS + 5),
    }
    return page | other


class FakeRpc:
    """One node. `oldest`, `latest`: the ledgers it has; `events`: what happened, in id order."""

    name = "fake:8100"

    def __init__(
        self, events: Sequence[dict[str, Any]] = (), *, oldest: int = 1, latest: int = 100
    ) -> None:
        self.events = list(events)
        self.oldest = oldest
        self.latest = latest
        self.passphrase = PASSPHRASE
        self.salt = ""
        self.late_seconds = 0
        self.forked_from = 0  # `salt` and `late_seconds` are of ledgers from here on
        self.misdated_seconds = 0  # getEvents tells other close times than getLedgers
        self.ledgers_from = 0  # getLedgers reaches so far below the window, where it is set
        self.answers: list[HttpAnswer | Exception | dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []

    async def post(self, body: bytes) -> HttpAnswer:
        """Answer one JSON-RPC request."""
        request = json.loads(body)
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, dict):
                return ok({"id": request["id"], "result": answer})
            return answer
        method = {
            "getEvents": self._get_events,
            "getHealth": self._get_health,
            "getLedgers": self._get_ledgers,
            "getNetwork": lambda _: {"passphrase": self.passphrase, "protocolVersion": 28},
        }[request["method"]]
        outcome = method(request["params"])
        key = "error" if "code" in outcome else "result"
        return ok({"jsonrpc": "2.0", "id": request["id"], key: outcome})

    def _get_health(self, _: object) -> dict[str, Any]:
        return {"status": "healthy", "latestLedger": self.latest, "oldestLedger": self.oldest}

    def hash_of(self, ledger: int) -> str:
        """Of the ledger's header; another `salt` makes another chain, `late_seconds` a later one."""
        salt = self.salt if ledger >= self.forked_from else ""
        return hashlib.sha256(f"{salt}{ledger}".encode()).hexdigest()

    def _get_ledgers(self, params: dict[str, Any]) -> dict[str, Any]:
        sequence = params["startLedger"]
        if not (self.ledgers_from or self.oldest) <= sequence <= self.latest:
            known = f"the oldest ledger: {self.oldest} and the latest ledger: {self.latest}"
            return {"code": -32600, "message": f"start ledger ({sequence}) must be between {known}"}
        ledger = {
            "sequence": sequence,
            "hash": self.hash_of(sequence),
            "ledgerCloseTime": str(self.closed_at(sequence)),
        }
        return {"ledgers": [ledger], "latestLedger": self.latest}

    def _get_events(self, params: dict[str, Any]) -> dict[str, Any]:
        cursor, limit = params["pagination"].get("cursor"), params["pagination"]["limit"]
        start = int(cursor[:19]) >> 32 if cursor else params["startLedger"]
        if not self.oldest <= start <= self.latest:
            message = f"startLedger must be within the ledger range: {self.oldest} - {self.latest}"
            return {"code": -32600, "message": message}
        end = min(start + SCAN_WINDOW, self.latest + 1)
        wanted = {each for one in params["filters"] for each in one["contractIds"]}
        found = [
            event
            for event in self.events
            if start <= event["ledger"] < end
            and event["contractId"] in wanted
            and event["id"] > (cursor or "")
        ][:limit]
        full = len(found) == limit
        last = chain.event_id(end - 1, 2**32 - 1, 2**20 - 1, 2**12 - 1)
        return result(
            found,
            cursor=found[-1]["id"] if full else last,
            latestLedger=self.latest,
            oldestLedger=self.oldest,
            latestLedgerCloseTime=str(self.closed_at(self.latest) + self.misdated_seconds),
            oldestLedgerCloseTime=str(self.closed_at(self.oldest)),
        )

    def closed_at(self, ledger: int) -> int:
        """Unix seconds."""
        late = self.late_seconds if ledger >= self.forked_from else 0
        return chain.GENESIS + ledger * 5 + late


def ok(document: object) -> HttpAnswer:
    """HTTP 200 with JSON."""
    return HttpAnswer(200, None, json.dumps(document).encode())


def rpc_error(code: int, message: str, data: object = None, *, request_id: int = 1) -> HttpAnswer:
    """A JSON-RPC error, which comes with HTTP 200."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return ok({"jsonrpc": "2.0", "id": request_id, "error": error})


def raw(text: str) -> bytes:
    """base64 -> bytes."""
    return base64.b64decode(text)
