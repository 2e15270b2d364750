"""Running counts of what the log records, read on from where the last look ended.

Counting millions of rows at every scrape would load the database; a Prometheus counter need not
survive its process. So the tally begins at the log's head (or at position 1 while the log is small
enough to be read at once) and each look reads a bounded number of events.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from domain.chain_order import FactConfirmed, FactJudged
from domain.notice import DeliveryChanged
from store.log import Recorded, head, read_after

MOST_EVENTS: Final = 20_000  # per look; decoding them takes about 0.2 s


class LogTally:
    """Counts per process; safe to be advanced from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._position: int | None = None
        self._facts: Counter[tuple[str, str]] = Counter()
        self._deliveries: Counter[tuple[str, str, str]] = Counter()

    @property
    def facts(self) -> Mapping[tuple[str, str], int]:
        """Contract events by (kind, outcome): `stream.paused`, `applied`."""
        return self._facts

    @property
    def deliveries(self) -> Mapping[tuple[str, str, str], int]:
        """Deliveries by (channel, state they entered, reason)."""
        return self._deliveries

    def advance(self, conn: Connection) -> None:
        """Count what was recorded since the last look."""
        with self._lock:
            if self._position is None:
                newest = head(conn)
                self._position = 0 if newest <= MOST_EVENTS else newest
            for recorded in read_after(conn, self._position, MOST_EVENTS):
                self._count(recorded)
                self._position = recorded.position

    def _count(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, FactJudged | FactConfirmed):
            kind = event.fact.TOPIC.rpartition(".")[0]
            self._facts[kind, event.verdict.partition(":")[0]] += 1
        elif isinstance(event, DeliveryChanged):
            self._deliveries[event.channel, event.state, event.reason or ""] += 1
