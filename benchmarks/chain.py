"""Pages of a made-up chain, for benchmarks: streams that are paused and resumed in turn."""

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from sqlalchemy import make_url
from stellar_sdk import Keypair

from ingest.cursors import window_end
from simulator import shapes
from store import migrate
from store.engine import Database
from tests.fakes.fake_rpc import result, wire_event

EVENTS_PER_LEDGER = 100
EVENTS_PER_PAGE = 1000
FIRST_LEDGER = 1000
PEOPLE = 200
LOCAL_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
PREFIX = "pausewire-bench-"  # of folders: what a killed run leaves can be told
POSTGRES_VARIABLE = "PAUSEWIRE_TEST_POSTGRES_URL"


def pages(events: int, streams: int) -> list[bytes]:
    """Results of getEvents, of 1,000 events each; every fact is legal."""
    return list(each_page(events, streams))


def each_page(events: int, streams: int) -> Iterator[bytes]:
    """The same, a page at a time."""
    dice = random.Random(1)
    people = [Keypair.from_raw_ed25519_seed(dice.randbytes(32)).public_key for _ in range(PEOPLE)]
    parties = [(dice.choice(people), dice.choice(people)) for _ in range(streams)]
    last_ledger = FIRST_LEDGER + (events - 1) // EVENTS_PER_LEDGER
    wire: list[dict[str, object]] = []
    for number in range(events):
        ledger, index = FIRST_LEDGER + number // EVENTS_PER_LEDGER, number % EVENTS_PER_LEDGER
        stream, turn = number % streams, number // streams
        shape = (shapes.paused, shapes.resumed)[turn % 2]
        emitted = shape(stream, *parties[stream], 1_784_655_000 + number)
        told = {"topic": list(emitted.topics), "value": emitted.value, "txHash": f"{number:064x}"}
        wire.append(wire_event(ledger, index) | told)
        if len(wire) == EVENTS_PER_PAGE or number == events - 1:
            full = number < events - 1
            cursor = str(wire[-1]["id"]) if full else window_end(last_ledger)
            answer = result(wire) | {"cursor": cursor, "latestLedger": last_ledger}
            yield json.dumps(answer).encode()
            wire = []


def write_pages(path: Path, events: int, streams: int) -> None:
    """The pages as lines of a file, so that who reads them need not hold them."""
    with path.open("wb") as file:
        file.writelines(page + b"\n" for page in each_page(events, streams))


def server() -> str | None:
    """The PostgreSQL server that may be used: the one named, else the local one if it lets us in."""
    named = os.environ.get(POSTGRES_VARIABLE)
    if named:
        return named
    try:
        psycopg.connect(libpq(LOCAL_POSTGRES), connect_timeout=2).close()
    except psycopg.OperationalError:
        return None
    return LOCAL_POSTGRES


@contextmanager
def databases(server: str | None) -> Iterator[dict[str, str]]:
    """A fresh migrated SQLite file and, where a server is given, a fresh PostgreSQL database."""
    with TemporaryDirectory(prefix=PREFIX) as folder:
        urls = {"sqlite": f"sqlite:///{Path(folder) / 'bench.db'}"}
        name = f"pausewire_bench_{uuid4().hex[:12]}"
        if server is not None:
            _run(server, f"CREATE DATABASE {name}")
            urls["postgresql"] = make_url(server).set(database=name).render_as_string(False)
        try:
            for url in urls.values():
                migrate.upgrade(url)
            yield urls
        finally:
            if server is not None:
                _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh_url(server: str | None, kind: str) -> Iterator[str]:
    """One fresh database of a kind."""
    with databases(server if kind == "postgresql" else None) as urls:
        yield urls[kind]


@contextmanager
def fresh(server: str | None, kind: str) -> Iterator[Database]:
    """The same, opened."""
    with fresh_url(server, kind) as url:
        database = Database.open(url)
        try:
            yield database
        finally:
            database.close()


def libpq(url: str) -> str:
    """The URL as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(False)


def _run(server: str, statement: str) -> None:
    with psycopg.connect(libpq(server), autocommit=True) as conn:
        conn.execute(statement.encode())
