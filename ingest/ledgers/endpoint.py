"""getLedgers of one RPC endpoint as a source of contract events: it may reach further back than getEvents.

Nodes keep ledgers and events alike, but one with a data store behind it hands out ledgers of all times,
through getLedgers only. How many are asked for at once follows their size, since a node hands out 200
ledgers whatever they hold. Shapes and errors: stellar-rpc v28, methods/get_ledgers.go.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from ingest import wire
from ingest.answers import Refusal, error_of, ledgers_window
from ingest.decode import Page
from ingest.errors import (
    AnswerTooLarge,
    NodeBehind,
    NotServed,
    RetentionGap,
    RpcUnavailable,
)
from ingest.ledgers.pages import Place, RawLedger, read_ledgers
from ingest.rpc import RpcEndpoint

MOST_LEDGERS: Final = 200
FIRST_LEDGERS: Final = 10
AIM_BYTES: Final = 16 * 1024 * 1024  # of one answer; ledgers of the public network have a megabyte
_METHOD_NOT_FOUND: Final = -32601
_LIMIT: Final = re.compile(r"limit must not exceed (\d+)")


Admit = Callable[[int], Awaitable[None]]


class _Ledger(msgspec.Struct):
    sequence: wire.LedgerNumber
    metadataXdr: bytes  # noqa: N815 - the RPC's spelling


class _Ledgers(msgspec.Struct):
    ledgers: list[_Ledger]
    latest: wire.LedgerNumber = msgspec.field(name="latestLedger")


_LEDGERS: Final = msgspec.json.Decoder(_Ledgers)


class LedgersEndpoint:
    """Pages out of one endpoint's ledgers. One request, no retries, as RpcEndpoint."""

    def __init__(self, rpc: RpcEndpoint, *, admit: Admit) -> None:
        """`admit`: whether an answer that shows this newest ledger is believed; raises where it is not."""
        self._rpc = rpc
        self._admit = admit
        self._limit = FIRST_LEDGERS
        self._most = MOST_LEDGERS

    @property
    def name(self) -> str:
        """Host and port, and what of it."""
        return f"{self._rpc.name} getLedgers"

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        """See PageSource."""
        place = Place.of(cursor, start_ledger)
        ledgers = await self._ledgers(place.ledger)
        read = read_ledgers(
            ledgers, contracts=contracts, place=place, limit=limit, source=self.name
        )
        return read.page(source=self.name)

    async def _ledgers(self, first: int) -> list[RawLedger]:
        """Some ledgers from `first` on."""
        params: dict[str, Any] = {"startLedger": first, "pagination": {"limit": self._limit}}
        try:
            answer = await self._rpc.call("getLedgers", params)
        except AnswerTooLarge:
            self._limit = max(1, self._limit // 4)
            raise
        if isinstance(answer, Refusal):
            raise self._refused(answer, first)
        try:
            told = _LEDGERS.decode(answer)
        except (msgspec.DecodeError, ValueError) as error:
            raise RpcUnavailable(f"{self.name} answered oddly: {error}") from error
        await self._admit(told.latest)
        ledgers = told.ledgers
        self._adapt(len(bytes(answer)), len(ledgers))
        return [RawLedger(each.sequence, each.metadataXdr) for each in ledgers]

    def _adapt(self, size: int, ledgers: int) -> None:
        """Ask for as many as an answer of the size aimed at holds, growing no faster than four times."""
        fitting = AIM_BYTES * ledgers // max(size, 1)
        self._limit = max(1, min(fitting, self._limit * 4, self._most))

    def _refused(self, refusal: Refusal, first: int) -> Exception:
        if refusal.code == _METHOD_NOT_FOUND:
            return NotServed(f"{self.name}: {refusal.message}")
        limit = _LIMIT.search(refusal.message)
        if limit is not None:
            self._most = self._limit = max(1, int(limit[1]))
            return RpcUnavailable(f"{self.name} hands out {limit[1]} ledgers at most", 0)
        window = ledgers_window(refusal)
        if window is None:
            return error_of(refusal, self.name)
        if first > window.latest:
            return NodeBehind(window.latest, first)
        return RetentionGap(window.oldest, first)
