"""The RPC's methods over a node's chain: parameters in, the JSON of `result` out.

`tip` is the newest ledger that the answering node has seen; it is behind the chain in bad weather.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from simulator import event_query, scval
from simulator.chain import Chain
from simulator.contract_methods import (
    get_ledger_entries,
    get_transaction,
    simulate_transaction,
)
from simulator.errors import RpcFailure
from simulator.event_request import EventsRequest, parse_request
from simulator.ledger import Ledger, ledger_of
from simulator.ledger_query import get_ledgers
from simulator.ledger_xdr import close_meta
from simulator.node import Node
from simulator.oddities import ANSWERS, Told, with_odd_ledgers

HEALTHY_SECONDS = 30
_COMMIT = "5107ed1a7e0000000000000000000000000000ff"
Answer = Callable[[dict[str, Any], Ledger], bytes]
ContractMethod = Callable[[Chain, dict[str, Any], Ledger], dict[str, Any]]


class Methods:
    """`table`: method name -> answer(params, tip)."""

    def __init__(
        self,
        node: Node,
        *,
        passphrase: str,
        max_page: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: unix seconds, by which a node's health is judged."""
        self._node = node
        self._clock = clock
        self._passphrase = passphrase
        self._max_page = max_page
        self.table: Mapping[str, Answer] = {
            "getHealth": self._get_health,
            "getNetwork": self._get_network,
            "getVersionInfo": self._get_version_info,
            "getLatestLedger": self._get_latest_ledger,
            "getEvents": self._get_events,
            "getLedgers": self._get_ledgers,
            "getLedgerEntries": self._get_ledger_entries,
            "getTransaction": self._of_contract(get_transaction),
            "simulateTransaction": self._of_contract(simulate_transaction),
        }

    @property
    def _chain(self) -> Chain:
        return self._node.chain

    def tip(self, lag_ledgers: int) -> Ledger:
        """The newest ledger that the node shows when it is so far behind."""
        return self._node.tip(lag_ledgers)

    def _of_contract(self, method: ContractMethod) -> Answer:
        return lambda params, tip: _json(method(self._chain, params, tip))

    def _get_ledger_entries(self, params: dict[str, Any], tip: Ledger) -> bytes:
        told = get_ledger_entries(self._chain, params, tip)
        if self._node.weather.plan.evicts:
            kept = [each for each in told["entries"] if each.get("liveUntilLedgerSeq") != 0]
            told["entries"] = kept
        return _json(told)

    def _get_health(self, _params: dict[str, Any], tip: Ledger) -> bytes:
        latency = int(self._clock()) - tip.closed_at
        if latency > HEALTHY_SECONDS:
            raise RpcFailure(
                -32603,
                f"[-32603] latency ({latency}s) since last known ledger closed is too high "
                f"(>{HEALTHY_SECONDS}s)",
            )
        oldest = self._node.oldest
        return _json(
            {
                "status": "healthy",
                "latestLedger": tip.sequence,
                "latestLedgerCloseTime": tip.closed_at,
                "oldestLedger": oldest.sequence,
                "oldestLedgerCloseTime": oldest.closed_at,
                "ledgerRetentionWindow": self._node.kept_ledgers,
            }
        )

    def _get_network(self, _params: dict[str, Any], _tip: Ledger) -> bytes:
        return _json({"passphrase": self._passphrase, "protocolVersion": self._chain.protocol})

    def _get_version_info(self, _params: dict[str, Any], _tip: Ledger) -> bytes:
        return _json(
            {
                "version": f"{self._chain.protocol}.0.0-{_COMMIT}",
                "commitHash": _COMMIT,
                "buildTimestamp": "2026-08-04T00:00:00",
                "captiveCoreVersion": f"stellar-core {self._chain.protocol}.0.0 ({_COMMIT})",
                "protocolVersion": self._chain.protocol,
            }
        )

    def _get_latest_ledger(self, _params: dict[str, Any], tip: Ledger) -> bytes:
        return _json(
            {
                "id": tip.hash,
                "protocolVersion": self._chain.protocol,
                "sequence": tip.sequence,
                "closeTime": str(tip.closed_at),
                "headerXdr": scval.text(tip.header),
                "metadataXdr": scval.text(close_meta(tip)),
            }
        )

    def _get_ledgers(self, params: dict[str, Any], tip: Ledger) -> bytes:
        node = self._node
        below = self._chain.oldest if node.weather.plan.datastore else node.oldest
        answer = get_ledgers(self._chain, params, tip, node.oldest, below.sequence)
        return _json(with_odd_ledgers(answer, node.weather.oddity()))

    def _get_events(self, params: dict[str, Any], tip: Ledger) -> bytes:
        request = parse_request(params, self._max_page)
        oldest = self._node.oldest
        page = self._page(request, tip)
        told = Told(
            page.events,
            page.cursor,
            request.cursor,
            len(page.events) == request.limit,
            tip.sequence,
            oldest.sequence,
            tip.closed_at,
            oldest.closed_at,
        )
        ANSWERS.get(self._node.weather.oddity(), _as_it_is)(told)
        # joined by hand: the events' JSON is ready, a page of 1,000 is half a megabyte
        return (
            b'{"events":%s,"cursor":"%s","latestLedger":%d,"oldestLedger":%d,'
            b'"latestLedgerCloseTime":"%d","oldestLedgerCloseTime":"%d"}'
        ) % (
            event_query.events_json(told.events, as_json=request.xdr_format == "json"),
            told.cursor.encode(),
            told.latest,
            told.oldest,
            told.latest_closed_at,
            told.oldest_closed_at,
        )

    def _page(self, request: EventsRequest, tip: Ledger) -> event_query.Page:
        weather = self._node.weather
        plan = weather.plan
        oldest = self._node.oldest.sequence
        cursor = request.cursor
        if plan.empty_below_retention and cursor is not None and ledger_of(cursor) < oldest:
            return event_query.Page([], cursor)
        page = event_query.scan(self._chain, request, oldest=oldest, latest=tip.sequence)
        if plan.hidden_events or weather.concealed:
            page.events[:] = [e for e in page.events if not weather.conceals(e)]
        if plan.altered_events:
            page.events[:] = map(weather.told, page.events)
        return page


def _as_it_is(_told: Told) -> None:
    """What most answers are."""


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
