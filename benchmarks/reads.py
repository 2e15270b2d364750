"""Reads: a page of a stream's pauses and a page of streams, asked for by wrk, at growing sizes.

In: a database filled to so many events (crowd.py), one API process, eight connections that each ask for
another stream every time. Beside it, a bare FastAPI route in a process of its own that gives the same
bytes from memory, with no key, no database and no entity tag. wrk and the server share the machine.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import NamedTuple

from fastapi import FastAPI
from starlette.responses import Response

from api import keys
from api.app import create_app
from api.dependencies import ApiDependencies
from benchmarks import apart, chain, crowd, wrk
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from benchmarks.serving import served
from notifier.guests import everybody
from notifier.privacy import Vault
from store.engine import Database

MOST_GROWTH = 1.3  # of p95, from the smallest size to the largest
_PATHS = 2_000
_STREAMS_PER_PAGE = 50


class Asked(NamedTuple):
    """Requests a second, milliseconds, processor milliseconds a request, memory of the process."""

    rate: float
    p50: float
    p95: float
    p99: float
    cpu: float
    megabytes: float


Found = dict[str, Asked]  # what was asked for: `pauses`, `streams`


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Both pages at every size on each database; nothing where there is no wrk."""
    if wrk.missing():
        print("reads are left out: wrk is not installed (Debian: wrk)", file=sys.stderr)
        return []
    made: list[Line] = []
    for kind in scale.kinds:
        smallest: Found = {}
        for events in scale.read_events:
            with chain.fresh_url(scale.postgres, kind) as url:
                many = call(fill, url, events)
                found, bodies = call(ours, url, many, scale.rounds, scale.read_seconds)
            bare = call(beside, bodies, scale.rounds, scale.read_seconds)
            smallest = smallest or found
            for page, asked in found.items():
                what = f"{page}, {events:,} events, {kind}"
                made += _lines(what, asked, bare[page], smallest[page])
    return made


def _lines(what: str, asked: Asked, bare: Asked, smallest: Asked) -> Iterator[Line]:
    yield Line(
        what=what,
        ours=asked.rate,
        unit="requests/s",
        beside="bare route, same bytes",
        theirs=bare.rate,
        target=None,
    )
    yield Line(
        what=f"{what}, p95",
        ours=asked.p95,
        unit="ms",
        beside="at the smallest size",
        theirs=smallest.p95,
        target=None if asked is smallest else Target(of="ratio", bound=MOST_GROWTH, at_most=True),
    )
    yield Line(what=f"{what}, processor", ours=asked.cpu, unit="ms a request", target=None)
    yield Line(what=f"{what}, memory", ours=asked.megabytes, unit="MB", target=None)


def fill(url: str, events: int) -> int:
    """Fill the database; returns the number of its streams."""
    database = Database.open(url)
    try:
        return crowd.fill(database, events)
    finally:
        database.close()


def ours(url: str, many: int, rounds: int, seconds: int) -> tuple[Found, dict[str, bytes]]:
    """Medians of rounds taken in turn, and one body of each page."""
    database = Database.open(url)
    with database.begin() as conn:
        key = keys.create_key(conn, name="benchmark", scopes=[keys.STREAMS_READ]).key
    app = create_app(
        ApiDependencies(
            database=database,
            vault=Vault(bytes(32)),
            network=crowd.NETWORK,
            contracts=(crowd.CONTRACT,),
            version="0",
            guests=everybody("Test"),
        )
    )
    headers = {"Authorization": f"Bearer {key}"}
    paths = _paths(many)

    async def nothing() -> None:
        """No feed is open."""

    async def dispose() -> None:
        await database.close_async()

    try:
        with served(app, ending=nothing, ended=dispose) as port:
            bodies = {page: _body(port, each[0], headers) for page, each in paths.items()}
            return _asked(port, paths, headers, rounds, seconds), bodies
    finally:
        database.close()


def beside(bodies: Mapping[str, bytes], rounds: int, seconds: int) -> Found:
    """The bare routes."""
    app = FastAPI()

    def add(page: str, body: bytes) -> None:
        @app.get(f"/{page}/{{which}}")
        async def give(which: int) -> Response:
            del which
            return Response(body, media_type="application/json")

    for page, body in bodies.items():
        add(page, body)

    async def nothing() -> None:
        """Nothing is open."""

    paths = {page: [f"/{page}/{number}" for number in range(_PATHS)] for page in bodies}
    with served(app, ending=nothing, ended=nothing) as port:
        return _asked(port, paths, {}, rounds, seconds)


def _paths(many: int) -> dict[str, list[str]]:
    """What is asked for: any stream's pauses; streams from the beginning, of one status or any."""
    dice = random.Random(7)
    drawn = [dice.randrange(many) for _ in range(_PATHS)]
    streams = f"/v1/streams?limit={_STREAMS_PER_PAGE}"
    return {
        "pauses": [f"/v1/streams/{crowd.CONTRACT}/{number}/pauses" for number in drawn],
        "streams": [streams, f"{streams}&status=active", f"{streams}&contract_id={crowd.CONTRACT}"],
    }


def _body(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    conn = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        conn.request("GET", path, headers=dict(headers))
        answer = conn.getresponse()
        body = answer.read()
    finally:
        conn.close()
    if answer.status != 200 or not json.loads(body)["items"]:
        raise SystemExit(f"{path} gave {answer.status}: {body[:300]!r}")
    return body


def _asked(
    port: int,
    paths: Mapping[str, list[str]],
    headers: Mapping[str, str],
    rounds: int,
    seconds: int,
) -> Found:
    found: dict[str, list[Asked]] = {page: [] for page in paths}
    for _ in range(rounds):
        for page, each in paths.items():
            began = time.process_time()
            told = wrk.ask(port, [wrk.Asking(path) for path in each], headers, seconds)
            cpu = (time.process_time() - began) / told.requests * 1e3
            found[page].append(Asked(*told[1:], cpu, apart.resident_megabytes()))
    return {
        page: Asked(*map(statistics.median, zip(*each, strict=True)))
        for page, each in found.items()
    }
