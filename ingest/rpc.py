"""Step 2. Ask an RPC endpoint for the page of contract events behind a cursor.

In:   contract ids and the position: a cursor, or the ledger to start at (ingest/follow.py)
Out:  Page (read by decode.py), or an error named for the reaction
Next: decode.py, which this calls; then record.py

Filters carry type and contract ids only and have one shape: events of unknown form must arrive to be
quarantined, and servers before 27.1.1 lose events when shapes differ. One request, no retries: the
follower decides when to ask again. Shapes and errors: stellar-rpc v28, methods/get_events.go.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from ingest.answers import (
    LedgerWindow,
    Refusal,
    error_of,
    ledger_window,
    ledgers_window,
    read_answer,
)
from ingest.cursors import ledger_of
from ingest.decode import Page, decode_page
from ingest.errors import NodeBehind, RetentionGap, RpcUnavailable, WrongNetwork
from ingest.event_question import filters_for, needed_by, stands_still, where_from
from ingest.ledger_head import LedgerHead, Ledgers
from ingest.page_check import checked
from ingest.transaction import TransactionAnswer, envelope_of
from ingest.transport import Transport
from ingest.wire import LedgerNumber
from store.clock import now_micros

T = TypeVar("T")


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """Which ledgers a node has; close time in unix seconds, None before stellar-rpc 27.1."""

    latest_ledger: int
    oldest_ledger: int
    latest_ledger_close_time: int | None = None


class Network(msgspec.Struct, frozen=True, rename="camel"):
    """Which network a node follows."""

    passphrase: str
    protocol_version: int


class LedgerEntry(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of the ledger: LedgerEntryData XDR; `live_until_ledger_seq` is 0 once archived.

    `key`: the LedgerKey that was asked for, as the node repeats it.
    """

    xdr: bytes
    last_modified_ledger_seq: LedgerNumber
    live_until_ledger_seq: LedgerNumber | None = None
    key: bytes = b""


class LedgerEntries(msgspec.Struct, frozen=True, rename="camel"):
    """Those of the entries asked for that exist, and the newest ledger of the node that has them."""

    latest_ledger: LedgerNumber
    entries: list[LedgerEntry] | None = None

    @property
    def found(self) -> list[LedgerEntry]:
        """The entries; none is written as null or as an empty list."""
        return self.entries or []


class EventSource(Protocol):
    """Where contract events come from: one endpoint, or several behind one face."""

    @property
    def name(self) -> str:
        """Where this is, without secrets."""
        ...

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """The page behind `cursor`, or from `start_ledger` on where there is no cursor yet.

        Raises Transient (same cursor again, later), RetentionGap, WrongNetwork, RequestRefused.
        """
        ...

    async def health(self) -> Health:
        """Which ledgers there are. Raises as fetch_page."""
        ...

    async def network(self) -> Network:
        """Which network this is. Raises as fetch_page."""
        ...

    async def check_network(self, passphrase: str) -> None:
        """Make sure that it is the network we follow. Raises WrongNetwork, and as fetch_page."""
        ...

    async def ledger_entries(self, keys: Sequence[bytes]) -> LedgerEntries:
        """Those of at most 200 entries that exist, at the node's newest ledger; keys are LedgerKey XDR.

        Raises as fetch_page.
        """
        ...

    async def ledger_head(self, sequence: int) -> LedgerHead:
        """Hash and close time of a ledger that it has; the answer carries the whole ledger, 1 MB.

        Raises as fetch_page; RequestRefused where ledgers are not served.
        """
        ...

    async def transaction(self, tx_hash: str, *, ledger: int, network: str) -> bytes:
        """The envelope's XDR of a transaction in that ledger; `network`: its id. Raises as fetch_page."""
        ...


def caught_up(page: Page, limit: int) -> bool:
    """Whether nothing is left to fetch now: a short page whose cursor has reached the newest ledger."""
    return len(page.events) < limit and ledger_of(page.cursor) >= page.latest_ledger


class RpcEndpoint:
    """One stellar-rpc server, spoken to in JSON-RPC over HTTP."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._request_ids = itertools.count(1)

    @property
    def name(self) -> str:
        """Where this is, without secrets."""
        return self._transport.name

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """See EventSource. A cursor at the end of the ledger before the oldest is no gap."""
        filters = filters_for(contracts)
        needed = needed_by(cursor, start_ledger)
        answer = await self._get_events(filters, where_from(cursor, needed), limit)
        if isinstance(answer, LedgerWindow) and cursor is not None and answer.has(needed):
            # The server refuses a cursor in a trimmed ledger even if nothing of it is wanted.
            answer = await self._get_events(filters, where_from(None, needed), limit)
        if isinstance(answer, Page) and stands_still(answer, cursor, needed):
            answer = await self._get_events(filters, where_from(None, needed), limit)
        if isinstance(answer, LedgerWindow):
            raise self._outside(answer, needed)
        return checked(
            answer,
            source=self.name,
            contracts=contracts,
            cursor=cursor,
            needed=needed,
            limit=limit,
        )

    async def health(self) -> Health:
        """See EventSource."""
        return await self._ask("getHealth", Health)

    async def network(self) -> Network:
        """See EventSource."""
        return await self._ask("getNetwork", Network)

    async def check_network(self, passphrase: str) -> None:
        """See EventSource."""
        found = (await self.network()).passphrase
        if found != passphrase:
            raise WrongNetwork(self.name, passphrase, found)

    async def ledger_entries(self, keys: Sequence[bytes]) -> LedgerEntries:
        """See EventSource."""
        return await self._ask("getLedgerEntries", LedgerEntries, {"keys": list(keys)})

    async def ledger_head(self, sequence: int) -> LedgerHead:
        """See EventSource."""
        question = {"startLedger": sequence, "pagination": {"limit": 1}}
        answer = await self.call("getLedgers", question)
        window = ledgers_window(answer) if isinstance(answer, Refusal) else None
        if window is not None:
            raise self._outside(window, sequence)
        return self._read(answer, "getLedgers", Ledgers).head(sequence, self.name)

    async def transaction(self, tx_hash: str, *, ledger: int, network: str) -> bytes:
        """See EventSource. Another transaction's envelope is not believed."""
        found = await self._ask("getTransaction", TransactionAnswer, {"hash": tx_hash})
        return envelope_of(found, tx_hash=tx_hash, ledger=ledger, network=network, source=self.name)

    async def _get_events(
        self, filters: list[dict[str, Any]], where: dict[str, Any], limit: int
    ) -> Page | LedgerWindow:
        pagination = {"limit": limit, **where.pop("pagination", {})}
        answer = await self.call(
            "getEvents", {"filters": filters, "pagination": pagination, **where}
        )
        if isinstance(answer, Refusal):
            window = ledger_window(answer)
            if window is None:
                raise error_of(answer, self.name)
            return window
        return decode_page(answer, source=self.name, seen_at=now_micros())

    def _outside(
        self, window: LedgerWindow, needed: int
    ) -> RetentionGap | NodeBehind | RpcUnavailable:
        if needed < window.oldest:
            return RetentionGap(window.oldest, needed, window.latest)
        if needed > window.latest:
            return NodeBehind(window.latest, needed)
        return RpcUnavailable(f"{self.name} has ledger {needed} and yet refuses it")

    async def _ask(self, method: str, kind: type[T], params: dict[str, Any] | None = None) -> T:
        return self._read(await self.call(method, params), method, kind)

    def _read(self, answer: msgspec.Raw | Refusal, method: str, kind: type[T]) -> T:
        if isinstance(answer, Refusal):
            raise error_of(answer, self.name)
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, ValueError) as error:
            raise RpcUnavailable(f"{self.name} answered {method} oddly: {error}") from error

    async def call(self, method: str, params: dict[str, Any] | None) -> msgspec.Raw | Refusal:
        """One JSON-RPC call: its result's JSON text, or the refusal. Raises Transient, RequestRefused."""
        request_id = next(self._request_ids)
        body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        http = await self._transport.post(msgspec.json.encode(body))
        return read_answer(http, request_id=request_id, source=self.name)
