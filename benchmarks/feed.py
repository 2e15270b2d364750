"""The feed: many connections to one process, and how long an event takes to reach the last of them.

The process that serves also records, so that its bell rings; the connections are held by another one.
Each event is timed from before the read models' commit to its arrival at each connection. Beside it, a
bare loop: a server that writes the same bytes to as many open connections, with nothing behind it.
"""

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from typing import Any, NamedTuple

import uvloop
from prometheus_client import CollectorRegistry

from api import keys
from api.app import create_app
from api.dependencies import ApiDependencies
from benchmarks import apart, chain
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from benchmarks.serving import BACKLOG, served
from domain.chain_order import APPLIED, FactJudged
from domain.facts import StreamPaused, StreamResumed
from domain.values import network_id, stream_uuid
from notifier.guests import everybody
from notifier.privacy import Vault
from projections.follow import projections_follower
from store import log
from store.clock import now_micros
from store.engine import Database

_CONTRACT = "CATCJPNEBVOFPSBKI2DKO6X7O77Y3DRLHPKJ6GWGSFJK3L3II2WDFYVE"
_NETWORK = network_id("Benchmark")
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.25  # longer than an event takes, so that each is timed alone
_BODY = b"id: 1\ndata: " + b"x" * 600 + b"\n\n"
Beside = Callable[[], Executor]
Arrivals = list[list[float]]


class Fanned(NamedTuple):
    """Seconds from each event to the last connection; memory without, with connections, at the end."""

    seconds: list[float]
    empty_megabytes: float
    first_megabytes: float
    last_megabytes: float


def lines(
    scale: Scale, call: apart.Call = apart.call, beside: Beside = apart.process
) -> list[Line]:
    """Feed on each database beside the bare loop."""
    many, events = scale.feed_connections, scale.feed_events
    bare = call(bare_loop, many, events, beside)
    made: list[Line] = []
    for kind in scale.kinds:
        with chain.fresh_url(scale.postgres, kind) as url:
            ours = call(feed, url, many, events, beside)
        made += _lines(f"feed, {many:,} connections, {kind}", ours, bare)
    return made


def _lines(what: str, ours: Fanned, bare: list[float]) -> Iterator[Line]:
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Line(
            what=f"{what}: commit to the last, {name}",
            ours=_quantile(ours.seconds, share),
            unit="s",
            beside="bare loop",
            theirs=_quantile(bare, share),
            target=None,
        )
    if ours.empty_megabytes:
        yield Line(
            what=f"{what}: memory at the end",
            ours=ours.last_megabytes,
            unit="MB",
            beside="before the first event",
            theirs=ours.first_megabytes,
            target=Target(of="ratio", bound=1.1, at_most=True),
        )
        yield Line(
            what=f"{what}: memory they take",
            ours=ours.first_megabytes - ours.empty_megabytes,
            unit="MB",
            target=None,
        )


def _quantile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


def feed(url: str, many: int, events: int, beside: Beside) -> Fanned:
    """Serve, connect, and tell events one after the other."""
    database, registry = Database.open(url), CollectorRegistry()
    with database.begin() as conn:
        key = keys.create_key(conn, name="benchmark", scopes=[keys.STREAMS_READ]).key
    given = ApiDependencies(
        database=database,
        vault=Vault(bytes(32)),
        network=_NETWORK,
        contracts=(_CONTRACT,),
        version="0",
        guests=everybody("Test"),
        registry=registry,
        feed_connections=many,
    )
    app = create_app(given)
    _allow_files(many)
    ended = database.close_async
    with closing(database), served(app, ending=app.state.feed.close, ended=ended) as port:
        empty = apart.resident_megabytes()
        with beside() as holders:
            arrivals = holders.submit(hold, port, many, events, key)
            _until(lambda: registry.get_sample_value("pausewire_feed_connections") == many)
            first = apart.resident_megabytes()
            began = [_tell(database, number) for number in range(1, events + 1)]
            last = apart.resident_megabytes()
            seconds = _to_the_last(began, arrivals.result())
    return Fanned(seconds, empty, first, last)


def bare_loop(many: int, events: int, beside: Beside) -> list[float]:
    """Seconds from the first write of an event to its arrival at the last connection."""
    _allow_files(many)
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n\n\n")
        writers.append(writer)

    async def serve(arrivals: Any) -> list[float]:
        server = await asyncio.start_server(connected, sock=listener)
        began = []
        async with server, asyncio.timeout(_PATIENCE_SECONDS):
            while len(writers) < many:  # noqa: ASYNC110 # a measurement's own waiting
                await asyncio.sleep(0.01)
            for _ in range(events):
                began.append(time.monotonic())
                for writer in writers:
                    writer.write(_BODY)
                await asyncio.sleep(_PAUSE_SECONDS)
            arrived = await asyncio.wrap_future(arrivals)
            for writer in writers:
                writer.close()
        return _to_the_last(began, arrived)

    with beside() as holders:
        arrivals = holders.submit(hold, listener.getsockname()[1], many, events, "none")
        return uvloop.run(serve(arrivals))


def hold(port: int, many: int, events: int, key: str) -> Arrivals:
    """Hold connections; for each of them, when each event arrived."""
    _allow_files(many)
    request = f"GET /v1/feed HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {key}\r\n\r\n".encode()

    async def one() -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        arrived: list[float] = []
        while len(arrived) < events:
            if (await reader.readuntil(b"\n")).startswith(b"data: "):
                arrived.append(time.monotonic())
        writer.close()
        return arrived

    async def all_of_them() -> Arrivals:
        return list(await asyncio.gather(*(one() for _ in range(many))))

    return uvloop.run(all_of_them())


def _tell(database: Database, number: int) -> float:
    """Record an event and have the read models follow; when their commit began."""
    make = StreamPaused if number % 2 else StreamResumed
    fact = make(f"{number << 32:019d}-0000000000", number, number, "", "", _CONTRACT, 7)
    event = FactJudged(stream_uuid(_NETWORK, _CONTRACT, 7), number, fact, None, None, APPLIED)
    with database.begin(durable=False) as conn:
        log.append(conn, [event], recorded_at=now_micros())
    began = time.monotonic()
    projections_follower(database).step()
    time.sleep(_PAUSE_SECONDS)
    return began


def _to_the_last(began: list[float], arrivals: Arrivals) -> list[float]:
    return [
        max(times) - start for start, times in zip(began, zip(*arrivals, strict=True), strict=True)
    ]


def _allow_files(many: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, max(soft, 2 * many + 200))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not true():
        if time.monotonic() > give_up:
            raise SystemExit("the connections were not made within a minute")
        time.sleep(0.01)
