"""Ponder beside us: the same streams, paused and resumed in turn, on a chain of its own kind.

Its half is a project in `ponder/`: a contract on a local anvil tells the events, a hundred a block; two
handlers keep streams and pauses; GraphQL gives the page that our history page is. It is Node and needs
npm. Its backfill is timed by its own log, once with fetching from anvil and once from its own cache of
what it fetched; the second is the one that we are held against. Ours has the pages in a file, and
records evidence and a log and plans two notices for each event, which Ponder does not.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import apart, chain, crowd, path, reads, wrk
from benchmarks.report import Line, Target
from benchmarks.scale import Scale

PROJECT = Path(__file__).with_name("ponder")
_BIN = PROJECT / "node_modules" / ".bin"
_COMPLETED = "Completed backfill indexing across all chains"
_MOST_SECONDS = 1800
_PAGE = (
    '{ pauses(where: {streamId: "%d"}, orderBy: "pausedAt", orderDirection: "desc", limit: 50) {'
    " items { id streamId pausedAt startBlock startTx resumedAt endBlock endTx }"
    " pageInfo { hasNextPage endCursor } } }"
)
_JSON = {"Content-Type": "application/json"}


class Ponder(NamedTuple):
    """Events a second with fetching and from its cache; its page's answers."""

    fetched: float
    cached: float
    page: wrk.Answered


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Backfill and history page beside Ponder's on PostgreSQL; nothing where something is missing."""
    lacking = _lacking(scale)
    if lacking:
        print(f"the peer is left out: {lacking}", file=sys.stderr)
        return []
    events, streams = scale.peer_events, scale.peer_events // crowd.EVENTS_PER_STREAM
    theirs = _ponder(scale, events, streams)
    with TemporaryDirectory(prefix=chain.PREFIX) as folder:
        pages = Path(folder) / "pages"
        chain.write_pages(pages, events, streams)
        rates = []
        for _ in range(scale.rounds):
            with chain.fresh_url(scale.postgres, "postgresql") as url:
                rates.append(call(path.catch_up, url, pages, events).rate)
    with chain.fresh_url(scale.postgres, "postgresql") as url:
        many = call(reads.fill, url, events)
        found, _ = call(reads.ours, url, many, scale.rounds, scale.read_seconds)
    return list(_lines(events, statistics.median(rates), found["pauses"], theirs))


def _lines(events: int, rate: float, page: reads.Asked, theirs: Ponder) -> Iterator[Line]:
    what = f"backfill, {events:,} events, postgresql"
    against = ("Ponder, from its cache", theirs.cached), ("Ponder, fetching", theirs.fetched)
    for (beside, figure), bound in zip(against, (Target(of="ratio", bound=5), None), strict=True):
        yield Line(
            what=what, ours=rate, unit="events/s", beside=beside, theirs=figure, target=bound
        )
    what = f"history page, {events:,} events, postgresql"
    yield Line(
        what=what,
        ours=page.rate,
        unit="requests/s",
        beside="Ponder's GraphQL",
        theirs=theirs.page.rate,
        target=Target(of="ratio", bound=3),
    )
    yield Line(
        what=f"{what}, p95",
        ours=page.p95,
        unit="ms",
        beside="Ponder's GraphQL",
        theirs=theirs.page.p95,
        target=None,
    )


def _lacking(scale: Scale) -> str | None:
    if scale.postgres is None:
        return "no PostgreSQL server"
    if wrk.missing():
        return "wrk is not installed (Debian: wrk)"
    if shutil.which("npm") is None:
        return "npm is not installed"
    if not _BIN.exists():
        print("installing Ponder …", file=sys.stderr, flush=True)
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"npm ci failed: {done.stderr[-300:]}"
    return None


def _ponder(scale: Scale, events: int, streams: int) -> Ponder:
    with (
        TemporaryDirectory(prefix=chain.PREFIX) as folder,
        chain.fresh_url(scale.postgres, "postgresql") as url,
        _anvil() as rpc,
    ):
        told = Path(folder) / "told.json"
        command = ["node", PROJECT / "tell.mjs", rpc, str(events), str(streams), told]
        subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
        environment = {
            "DATABASE_URL": chain.libpq(url),
            "BENCH_RPC": rpc,
            "BENCH_TOLD": str(told),
        }
        with _serving(environment, Path(folder), "fetched") as (_, seconds):
            fetched = events / seconds
        with _serving(environment, Path(folder), "cached") as (port, seconds):
            cached = events / seconds
            asked = [
                wrk.Asking("/graphql", "POST", json.dumps({"query": _PAGE % (number % streams)}))
                for number in range(min(streams, 2_000))
            ]
            _check_page(port, asked[0])
            answers = [wrk.ask(port, asked, _JSON, scale.read_seconds) for _ in range(scale.rounds)]
    return Ponder(fetched, cached, sorted(answers, key=lambda each: each.rate)[len(answers) // 2])


@contextmanager
def _anvil() -> Iterator[str]:
    port = _free_port()
    rpc = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--silent", "--gas-limit", "1000000000"]
    with _running([_BIN / "anvil", *options], {}, None):
        _until(lambda: _answers(port))
        yield rpc


@contextmanager
def _serving(
    environment: Mapping[str, str], folder: Path, schema: str
) -> Iterator[tuple[int, float]]:
    """Ponder with a schema of its own, once it is ready: its port, and how long backfill took."""
    port, log = _free_port(), folder / f"{schema}.log"
    options = ["--schema", schema, "--port", str(port), "--log-format", "json"]
    with _running([_BIN / "ponder", "start", *options], environment, log):
        _until(lambda: _ready(port))
        yield port, _backfill_seconds(log)


@contextmanager
def _running(
    command: list[str | Path], environment: Mapping[str, str], log: Path | None
) -> Iterator[None]:
    told = os.environ | environment | {"PONDER_TELEMETRY_DISABLED": "true"}
    with (log or Path(os.devnull)).open("wb") as out:
        process = subprocess.Popen(command, cwd=PROJECT, env=told, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def _backfill_seconds(log: Path) -> float:
    """What Ponder's own log says that it took."""
    for line in log.read_text("utf-8").splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("msg") == _COMPLETED:
            return float(said["duration"]) / 1e3
    raise SystemExit(f"Ponder did not say how long its backfill took:\n{log.read_text()[-2000:]}")


def _check_page(port: int, asked: wrk.Asking) -> None:
    request = urllib.request.Request(  # our own address
        f"http://127.0.0.1:{port}{asked.path}", asked.body.encode(), _JSON
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # the same
        items = json.load(answer)["data"]["pauses"]["items"]
    if len(items) != crowd.EVENTS_PER_STREAM // 2:
        raise SystemExit(f"Ponder's page has {len(items)} pauses")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + _MOST_SECONDS
    while not true():
        if time.monotonic() > give_up:
            raise SystemExit("the peer did not come up")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
