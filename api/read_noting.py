"""Notes who read what, off the path of the answer: kept in memory for a second, written together.

In:   answers on their way out, with the caller that the route was given.
Out:  rows of `read_log`; old ones go.

At most the last second of a process that is killed is missing. What the database does not take is kept
and tried again; beyond a hundred thousand it is counted as lost, so that a long outage ends no process.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import structlog
from prometheus_client import CollectorRegistry, Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import read_log
from api.caller import Caller
from api.read_log import Read
from api.regularly import regularly
from domain.errors import InvalidValue
from domain.values import contract_id, u64
from notifier.privacy import Vault
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError

log = structlog.get_logger()

READS_NOT_WRITTEN: Final = "reads_not_written"
CALLER: Final = "caller"  # in the scope's state: who asks, once that is known
MOST_WAITING: Final = 100_000
_TOO_MANY: Final = 429  # nothing was read, and whoever asks too often must not fill the log
_WRITE_SECONDS: Final = 1.0
_FORGET_SECONDS: Final = 3_600.0
_DAY_MICROS: Final = 86_400 * 1_000_000
_LONGEST_ID: Final = 100
_LONGEST_QUERY: Final = 2_000
_LONGEST_U64: Final = 20


class Noted(NamedTuple):
    """A read as it was seen, not yet looked at closely. `at`: microseconds."""

    at: int
    caller: Caller
    route: str
    path: Mapping[str, Any]
    query: bytes
    status: int
    client: str | None


class NoteReads:
    """Notes each answered question of a known caller when the answer begins: a feed may last for days."""

    def __init__(self, app: ASGIApp, reads: "ReadLog") -> None:
        self._app = app
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return

        async def send_noticing(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, message["status"])
            await send(message)

        await self._app(scope, receive, send_noticing)

    def _note(self, scope: Scope, status: int) -> None:
        caller = scope.get("state", {}).get(CALLER)
        if caller is None or status == _TOO_MANY:
            return
        route, client = scope.get("route"), scope.get("client")
        self._reads.note(
            Noted(
                now_micros(),
                caller,
                str(getattr(route, "path", "")),
                scope.get("path_params", {}),
                scope.get("query_string", b"")[:_LONGEST_QUERY],
                status,
                None if client is None else client[0],
            )
        )


class ReadLog:
    """What this process has answered and not yet written; on the loop that serves."""

    def __init__(
        self, database: Database, vault: Vault, registry: CollectorRegistry, keep_days: float
    ) -> None:
        self._database = database
        self._vault = vault
        self._keep_micros = int(keep_days * _DAY_MICROS)
        self._waiting: list[Noted] = []
        self._forget_at = 0.0
        self._lost = Counter(
            "pausewire_reads_not_logged",
            "Answers that the log of reads lacks, because the database took nothing for long.",
            registry=registry,
        )

    def note(self, noted: Noted) -> None:
        """Keep a read until it is written."""
        if self._keep_micros == 0:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._lost.inc()
            return
        self._waiting.append(noted)

    async def write(self) -> None:
        """Write what waits; what cannot be written waits on."""
        taken, self._waiting = self._waiting, []
        try:
            await asyncio.to_thread(self._add, taken)
        except StoreError as error:
            log.warning(READS_NOT_WRITTEN, reason=type(error).__name__, waiting=len(taken))
            self._waiting = taken + self._waiting

    def writing(self) -> AbstractAsyncContextManager[None]:
        """Write every second while the application serves, and once more at its end."""
        return regularly(self.write, _WRITE_SECONDS)

    def _add(self, taken: list[Noted]) -> None:
        if taken:
            with self._database.begin() as conn:
                read_log.add(conn, [self._read(noted) for noted in taken])
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + _FORGET_SECONDS
            self._forget()

    def _forget(self) -> None:
        before, deleted = now_micros() - self._keep_micros, 1
        while deleted:
            with self._database.begin() as conn:
                deleted = read_log.forget(conn, before)

    def _read(self, noted: Noted) -> Read:
        caller, path = noted.caller, noted.path
        asked = parse_qs(noted.query.decode("ascii", "replace")).get("contract_id", [None])[0]
        others = (value for name, value in path.items() if name not in ("contract_id", "stream_id"))
        account = caller.account_id
        return Read(
            noted.at,
            caller.key_id,
            None if account is None else self._vault.account_lookup(account),
            noted.route,
            _contract(path.get("contract_id", asked)),
            _stream(path.get("stream_id")),
            _plain(" ".join(str(value) for value in others)),
            noted.status,
            noted.client,
        )


def _contract(text: Any) -> str | None:
    """None for what a refused question called a contract."""
    try:
        return None if text is None else contract_id(str(text))
    except InvalidValue:
        return None


def _stream(text: Any) -> int | None:
    digits = str(text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_U64:
        return None
    try:
        return u64(int(digits), "stream_id")
    except InvalidValue:
        return None


def _plain(text: str) -> str | None:
    return text[:_LONGEST_ID] if text.isascii() and text.isprintable() and text else None
