"""`--only sources`: thousands of contracts followed at once, at the newest ledger.

An RPC of our own answers for all of them; every five seconds a ledger closes with an event in each of ten
contracts. Measured: requests per minute, and from the moment that a ledger's events can be had until they
are recorded. Beside it: the least requests that the RPC's limit of 25 contracts allows.
"""

import asyncio
import hashlib
import json
import math
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web
from sqlalchemy import func, select

from benchmarks import chain
from benchmarks.deployed import PAUSEWIRE
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from ingest import followed
from ingest.cursors import ledger_of, window_end
from ingest.followed import Followed
from ingest.sources import CONTRACTS_PER_SOURCE
from simulator import shapes
from simulator.accounts import Cast, contract_id_for
from store.engine import Database
from store.schema import evidence, evidence_outcome, recorded_event
from tests.fakes.chain import GENESIS
from tests.fakes.fake_rpc import result, wire_event

LEDGER_SECONDS = 5.0
EVENTS_PER_LEDGER = 10
_FIRST = 1000
_PASSPHRASE = "Pausewire Benchmark"
_PATIENCE_SECONDS = 600  # a busy machine needs minutes to start


class Node:
    """An RPC with an event in each of ten contracts per ledger. `visible_at`: {event id: unix time}."""

    def __init__(self, contracts: list[str]) -> None:
        self.contracts = contracts
        self.latest = _FIRST
        self.requests = 0
        self.visible_at: dict[str, float] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._cast = Cast.of(1, 1)

    def close_ledger(self) -> None:
        """The next ledger, with its events."""
        ledger = self.latest + 1
        for index in range(EVENTS_PER_LEDGER):
            contract = self.contracts[(ledger * 7919 + index * 499) % len(self.contracts)]
            parties = (self._cast.employers[0], self._cast.employees[0])
            emitted = shapes.created(ledger * 100 + index, *parties, rate=1, fee_bps=0)
            event = wire_event(ledger, index) | {
                "contractId": contract,
                "topic": list(emitted.topics),
                "value": emitted.value,
            }
            self._events.setdefault(contract, []).append(event)
            self.visible_at[str(event["id"])] = time.time()
        self.latest = ledger

    async def answer(self, request: web.Request) -> web.Response:
        """One JSON-RPC request."""
        self.requests += 1
        call = await request.json()
        found = getattr(self, f"_{call['method']}")(call["params"])
        body = {"jsonrpc": "2.0", "id": call["id"], "result": found}
        return web.Response(body=json.dumps(body), content_type="application/json")

    def _getNetwork(self, _: object) -> dict[str, Any]:  # noqa: N802 # the wire's name
        return {"passphrase": _PASSPHRASE, "protocolVersion": 28}

    def _getHealth(self, _: object) -> dict[str, Any]:  # noqa: N802 # the wire's name
        return {"status": "healthy", "latestLedger": self.latest, "oldestLedger": 1}

    def _getLedgers(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 # the wire's name
        sequence = params["startLedger"]
        digest = hashlib.sha256(str(sequence).encode()).hexdigest()
        closed_at = str(_closed_at(sequence))
        return {"ledgers": [{"sequence": sequence, "hash": digest, "ledgerCloseTime": closed_at}]}

    def _getLedgerEntries(self, _: object) -> dict[str, Any]:  # noqa: N802 # the wire's name
        return {"entries": [], "latestLedger": self.latest}

    def _getEvents(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 # the wire's name
        cursor = params["pagination"]["cursor"]
        wanted = [each for one in params["filters"] for each in one["contractIds"]]
        found = [e for c in wanted for e in self._events.get(c, ())[-20:] if e["id"] > cursor]
        page = result(sorted(found, key=lambda event: str(event["id"])))
        return page | {
            "cursor": window_end(self.latest),
            "latestLedger": self.latest,
            "latestLedgerCloseTime": str(_closed_at(self.latest)),
        }


def _closed_at(ledger: int) -> int:
    """As the events say it."""
    return GENESIS + ledger * 5


@contextmanager
def serving(node: Node) -> Iterator[str]:
    """The node on a thread of its own; its URL."""
    started, stopping = threading.Event(), threading.Event()
    urls: list[str] = []

    async def run() -> None:
        application = web.Application(client_max_size=2**20)
        application.router.add_post("/", node.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        started.set()
        closing = threading.Thread(target=close_ledgers, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join)
        await runner.cleanup()

    def close_ledgers() -> None:
        while not stopping.wait(LEDGER_SECONDS):
            node.close_ledger()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield urls[0]
    finally:
        stopping.set()
        thread.join(10)


def lines(scale: Scale) -> list[Line]:
    """Each database in turn."""
    found: list[Line] = []
    for kind in scale.kinds:
        node = Node([contract_id_for(number) for number in range(scale.contracts)])
        with serving(node) as url, chain.fresh_url(scale.postgres, kind) as database_url:
            found += _measured(kind, node, url, database_url, scale.followed_ledgers)
    return found


def _measured(kind: str, node: Node, url: str, database_url: str, ledgers: int) -> Iterator[Line]:
    database = Database.open(database_url)
    with database.begin() as conn:
        for contract in node.contracts:
            followed.add(conn, Followed(contract, "paystream", _FIRST + 1))
    with indexing(url, database_url, node.contracts[0]) as process:
        _wait_until(database, node, node.latest + 2)
        first, asked, began = node.latest + 1, node.requests, time.monotonic()
        _wait_until(database, node, first + ledgers)
        per_minute = (node.requests - asked) / (time.monotonic() - began) * 60
        memory = _peak_megabytes(process)
    delays = _delays(database, node, first, first + ledgers - 1)
    database.close()
    count = len(node.contracts)
    least = math.ceil(count / CONTRACTS_PER_SOURCE) * 60 / LEDGER_SECONDS
    name = f"{count:,} contracts, {kind}"
    yield Line(
        what=f"{name}, requests a minute",
        ours=per_minute,
        unit="",
        target=Target(of="ratio", bound=1.25, at_most=True),
        beside="25 each, once a ledger",
        theirs=least,
    )
    for percent in (50, 99):
        delay = delays[min(len(delays) - 1, len(delays) * percent // 100)]
        target = Target(of="ours", bound=5.0, at_most=True) if percent == 99 else None
        yield Line(
            what=f"{name}, visible to recorded, p{percent}", ours=delay, unit="s", target=target
        )
    yield Line(
        what=f"{name}, peak memory",
        ours=memory,
        unit="MB",
        target=Target(of="ours", bound=300, at_most=True),
    )


@contextmanager
def indexing(url: str, database_url: str, contract: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real `pausewire index`; all contracts but the first are in the database's table."""
    with TemporaryDirectory(prefix=chain.PREFIX) as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if "PAUSEWIRE" not in name},
            "PAUSEWIRE_ENVIRONMENT": "development",
            "PAUSEWIRE_SIMULATOR__ENABLED": "false",
            "PAUSEWIRE_STATE_DIR": folder,
            "PAUSEWIRE_DATABASE__URL": database_url,
            "PAUSEWIRE_NETWORK__PASSPHRASE": _PASSPHRASE,
            "PAUSEWIRE_NETWORK__RPC_URLS": json.dumps([url]),
            "PAUSEWIRE_NETWORK__CONTRACTS": json.dumps(
                [{"id": contract, "start_ledger": _FIRST + 1}]
            ),
        }
        process = subprocess.Popen([PAUSEWIRE, "index"], env=environment, cwd=folder)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _wait_until(database: Database, node: Node, ledger: int) -> None:
    """Until all that happened up to a ledger is recorded."""
    ends_at = time.monotonic() + _PATIENCE_SECONDS + LEDGER_SECONDS * (ledger - node.latest)
    expected = (ledger - _FIRST) * EVENTS_PER_LEDGER
    while True:
        with database.read() as conn:
            if (conn.scalar(select(func.count()).select_from(evidence)) or 0) >= expected:
                return
        if time.monotonic() > ends_at:
            raise TimeoutError(f"ledger {ledger} is not recorded")
        time.sleep(0.2)


def _delays(database: Database, node: Node, first: int, last: int) -> list[float]:
    """From visible to recorded, in seconds, the shortest first."""
    query = select(evidence_outcome.c.event_id, recorded_event.c.recorded_at).join(
        recorded_event, recorded_event.c.position == evidence_outcome.c.position
    )
    with database.read() as conn:
        return sorted(
            row.recorded_at / 1_000_000 - node.visible_at[row.event_id]
            for row in conn.execute(query)
            if first <= ledger_of(row.event_id) <= last
        )


def _peak_megabytes(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    (line,) = (each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
