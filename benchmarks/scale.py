"""How large a run is: sizes for figures that mean something, for a look, and for a smoke test."""

from dataclasses import dataclass

from benchmarks.brokers import BROKERS
from benchmarks.k6 import Stage

PRODUCTION_POLL_SECONDS = 1.0  # the default of `ingest.poll_seconds`


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes of all benchmarks. `postgres`: URL of a server to make databases on; None: SQLite only.

    `brokers`: those to measure over that are there.
    """

    postgres: str | None = None
    brokers: tuple[str, ...] = BROKERS
    rounds: int = 3
    page_events: int = 1_000
    recorded_events: int = 50_000
    replayed_events: int = 100_000
    path_events: int = 100_000
    streams: int = 5_000
    mails: int = 2_000
    letters: int = 1_000
    alerts: int = 60
    ledgers: int = 60
    poll_seconds: tuple[float, ...] = (PRODUCTION_POLL_SECONDS, 0.1)
    pause_seconds: float = 0.3
    contracts: int = 5_000
    followed_ledgers: int = 12
    feed_connections: int = 1_000
    feed_events: int = 100
    read_events: tuple[int, ...] = (10_000, 1_000_000, 10_000_000)
    read_seconds: int = 5
    peer_events: int = 100_000
    callback_stages: tuple[Stage, ...] = (
        *(Stage(60, 50), Stage(180, 50), Stage(60, 100), Stage(180, 100)),
        Stage(60, 0),
    )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The databases that can be measured."""
        return ("sqlite",) if self.postgres is None else ("sqlite", "postgresql")


FULL = Scale()
QUICK = Scale(
    rounds=1,
    recorded_events=10_000,
    replayed_events=20_000,
    path_events=20_000,
    streams=2_000,
    mails=300,
    letters=200,
    alerts=15,
    ledgers=20,
    poll_seconds=(PRODUCTION_POLL_SECONDS,),
    contracts=1_000,
    followed_ledgers=4,
    feed_connections=200,
    feed_events=10,
    read_events=(10_000, 100_000),
    read_seconds=2,
    peer_events=10_000,
    callback_stages=(Stage(5, 50), Stage(10, 50), Stage(5, 100), Stage(15, 100), Stage(5, 0)),
)
