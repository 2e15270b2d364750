"""Catching up, the whole path: pages to the log, the log to the read models and to notices, at once.

In one process, as `pausewire up` has it: recording on one thread, each follower on its own. In two, as
production has it: recording and projections in `index`, planning in `notify`. The clock runs from the
first page until both followers stand at the head of the log. Nobody has a contact,
so every event tells two people in the app: two notices, two in-app deliveries. Pages are read from a file,
since fetching is the network's speed; workers, which append what became of notices, are left out.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import Select, func, select

from benchmarks import apart, chain, record
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from cli.roles import Role, Roles
from config.settings import Settings
from domain.values import network_id
from notifier.notices import NoticeWriter, PlanningRules
from notifier.plan import FOLLOWER as PLANNING
from notifier.plan import build_follower
from notifier.privacy import Vault
from notifier.recipients import Roster
from notifier.schema import delivery
from projections.follow import projections_follower
from projections.sets import PROJECTIONS
from store.engine import Database
from store.schema import tracking

EARLY = 0.2  # of the run: warm by then, so what memory grows from here on is a leak or a backlog
MOST_GROWTH = 1.1  # what counts as flat
_LOOK_SECONDS = 0.1
_MOST_SECONDS = 600


class CaughtUp(NamedTuple):
    """Events per second; megabytes early, at the end, and at most."""

    rate: float
    early: float
    end: float
    peak: float


Run = Callable[[str, Path, int], CaughtUp]


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """The whole path in one process on each database, and in two where the database allows them."""
    made = []
    with TemporaryDirectory(prefix=chain.PREFIX) as folder:
        pages = Path(folder) / "pages"
        chain.write_pages(pages, scale.path_events, scale.streams)
        for kind in scale.kinds:
            what = f"whole path, one process, {kind}"
            found = measure(kind, scale, pages, lambda *run: call(catch_up, *run))
            made += [_rate(what, found), *_memory(what, found)]
        if scale.postgres is not None:
            found = measure("postgresql", scale, pages, catch_up_in_two)
            made.append(_rate("whole path, index and notify, postgresql", found))
    return made


def _rate(what: str, found: CaughtUp) -> Line:
    bound = Target(of="ours", bound=20_000)
    return Line(what=what, ours=found.rate, unit="events/s", target=bound)


def _memory(what: str, found: CaughtUp) -> list[Line]:
    if not found.peak:
        return []
    small = Target(of="ours", bound=300, at_most=True)
    flat = Target(of="ratio", bound=MOST_GROWTH, at_most=True)
    peak = Line(what=f"{what}, peak memory", ours=found.peak, unit="MB", target=small)
    end = Line(
        what=f"{what}, memory at the end",
        ours=found.end,
        unit="MB",
        beside=f"at {EARLY:.0%} of the run",
        theirs=found.early,
        target=flat,
    )
    return [peak, end]


def measure(kind: str, scale: Scale, pages: Path, run: Run) -> CaughtUp:
    """Medians of rounds, each in processes and on a database of its own."""
    found = []
    for _ in range(scale.rounds):
        with chain.fresh_url(scale.postgres, kind) as url:
            found.append(run(url, pages, scale.path_events))
    return CaughtUp(*map(statistics.median, zip(*found, strict=True)))


def catch_up_in_two(url: str, pages: Path, events: int) -> CaughtUp:
    """`index` and `notify` as production has them; memory is that of `index`."""
    with apart.process() as index, apart.process() as notify:
        for process in (index, notify):
            process.submit(ready).result()  # starting and importing are not what is measured
        planning = notify.submit(follow, url, events)
        found = index.submit(catch_up, url, pages, events, (PROJECTIONS,)).result()
        planning.result()
    return found


def ready() -> None:
    """Once this has run in a process, it has started and imported this module."""


def follow(url: str, events: int) -> None:
    """What `notify` does meanwhile: plan, until both followers stand at the head."""
    database = Database.open(url, direct_url=url)
    stop = threading.Event()
    running = Roles(followers(database, (PLANNING,)), stop)
    running.start()
    _await(database, events, stop)
    _end(running, stop)
    database.close()


def catch_up(
    url: str, pages: Path, events: int, names: Sequence[str] = (PROJECTIONS, PLANNING)
) -> CaughtUp:
    """Record, and run these followers, until both of them, wherever they run, stand at the head."""
    database = Database.open(url, direct_url=None if PLANNING in names else url)
    stop = threading.Event()
    running = Roles(followers(database, names), stop)
    began = time.perf_counter()
    running.start()
    with _memory_at(database, int(events * EARLY)) as early, pages.open("rb") as bodies:
        record.record_all(database, bodies)
        _await(database, events, stop)
    took = time.perf_counter() - began
    end = apart.resident_megabytes()
    _end(running, stop)
    _check(database, events)
    database.close()
    return CaughtUp(events / took, early[0], end, apart.peak_megabytes())


def followers(database: Database, names: Sequence[str]) -> list[Role]:
    """These followers, with the settings' defaults, which are production's."""
    settings = Settings()
    rules = PlanningRules(network=network_id("bench"), freshness_seconds={}, public_url=None)
    all_of_them = (
        projections_follower(database, chunk_events=settings.projections.chunk_events),
        build_follower(
            database,
            NoticeWriter(Roster(Vault(bytes(32))), rules),
            chunk_events=settings.notifier.chunk_events,
            poll_seconds=settings.notifier.poll_seconds,
        ),
    )
    return [Role(each.name, each.run) for each in all_of_them if each.name in names]


def _end(running: Roles, stop: threading.Event) -> None:
    stop.set()
    if not running.join():
        raise SystemExit(f"these roles failed: {running.failed}")


def slowest() -> Select[int]:
    """Where the follower stands that is furthest behind; no row until both have begun."""
    return (
        select(func.min(tracking.c.position))
        .where(tracking.c.name.in_((PROJECTIONS, PLANNING)))
        .having(func.count() == 2)
    )


def _reached(database: Database, position: int) -> bool:
    with database.read() as conn:
        return (conn.scalar(slowest()) or 0) >= position


def _await(database: Database, position: int, stop: threading.Event) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not _reached(database, position):
        if stop.wait(_LOOK_SECONDS) or time.monotonic() > deadline:
            raise SystemExit(f"position {position} was not reached")


@contextmanager
def _memory_at(database: Database, position: int) -> Iterator[list[float]]:
    """Memory as the followers pass a position: the one entry of the list, once the block is over."""
    found: list[float] = []

    def watch() -> None:
        while not _reached(database, position) and not ended.wait(_LOOK_SECONDS):
            pass
        found.append(apart.resident_megabytes())

    ended = threading.Event()
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        ended.set()
        watching.join()


def _check(database: Database, events: int) -> None:
    """A run that told nobody would be fast."""
    with database.read() as conn:
        told = conn.scalar(select(func.count()).select_from(delivery)) or 0
    if told < events:
        raise SystemExit(f"{events} events led to {told} deliveries")
