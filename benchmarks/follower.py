"""Replay: the whole log into all read models, beside reading the log alone in the same run.

The log is recorded first, outside the clock. Replaying is `rebuild_until`, what `pausewire replay` does:
chunks of the log, folded and written to the idle table set. Reading alone is the same chunks fetched and
decoded, and thrown away. Both databases must come to the same digest.
"""

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import apart, chain, record
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from projections.digest import digests
from projections.rebuild import CHUNK_EVENTS, empty_idle, rebuild_until
from projections.sets import FIRST, other
from store import log
from store.engine import Database


class Replayed(NamedTuple):
    """Events per second, the process's peak memory, and what the read models said at the end."""

    ours: float
    reading: float
    peak_megabytes: float
    digest: str


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Replay on each database. Raises SystemExit where the databases come to different digests."""
    made = []
    found = {kind: _replay_on(kind, scale, call) for kind in scale.kinds}
    if len({each.digest for each in found.values()}) > 1:
        raise SystemExit(f"replay came to different digests: {found}")
    for kind, each in found.items():
        what = f"replay into all read models, {kind}"
        made.append(
            Line(
                what=what,
                ours=each.ours,
                unit="events/s",
                beside="reading the log alone",
                theirs=each.reading,
                target=Target(of="ours", bound=100_000),
            )
        )
        if each.peak_megabytes:
            limit = Target(of="ours", bound=300, at_most=True)
            made.append(
                Line(what=f"{what}, peak memory", ours=each.peak_megabytes, unit="MB", target=limit)
            )
    return made


def _replay_on(kind: str, scale: Scale, call: apart.Call) -> Replayed:
    events = scale.replayed_events
    with (
        TemporaryDirectory(prefix=chain.PREFIX) as folder,
        chain.fresh_url(scale.postgres, kind) as url,
    ):
        pages = Path(folder) / "pages"
        chain.write_pages(pages, events, scale.streams)
        call(fill, url, pages)
        return call(replay, url, events, scale.rounds)


def fill(url: str, pages: Path) -> None:
    """Record the log that will be replayed."""
    database = Database.open(url)
    with pages.open("rb") as bodies:
        record.record_all(database, bodies)
    database.close()


def replay(url: str, events: int, rounds: int) -> Replayed:
    """Medians of rounds taken in turn; the tables are emptied outside the clock."""
    database = Database.open(url)

    def rate(work: Callable[[], object]) -> float:
        return events / record.timed(work)

    ours, reading = [], []
    for _ in range(rounds):
        reading.append(rate(partial(read_all, database)))
        empty_idle(database)
        ours.append(rate(partial(rebuild_until, database, events)))
    with database.read() as conn:
        digest = digests(conn, other(FIRST), events).state
    database.close()
    return Replayed(
        statistics.median(ours), statistics.median(reading), apart.peak_megabytes(), digest
    )


def read_all(database: Database) -> None:
    """The log from its beginning to its end, in the replay's chunks."""
    position = 0
    while True:
        with database.read() as conn:
            chunk = log.read_after(conn, position, CHUNK_EVENTS)
        if not chunk:
            return
        position = chunk[-1].position
