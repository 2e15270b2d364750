"""When ledgers closed, as endpoints told it: a ledger closes once, and none before the one below it.

In: what each answer says of its newest and oldest ledger and of its events' ledgers. Out: the first thing
that cannot be true together with what was told before. It costs no request, and nothing is kept on disk.
Next: chain_watch.py finds out who is right.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ingest.decode import Page

_MOST_LEDGERS: Final = 4_096


class Odd(NamedTuple):
    """What was told now, and the ledger that it does not go with: when that closed, and who said so."""

    ledger: int
    closed_at: int
    known_ledger: int
    known_closed_at: int
    teller: str

    def __str__(self) -> str:
        """In words."""
        return (
            f"ledger {self.ledger} closed at {self.closed_at}, and {self.teller} told that"
            f" {self.known_ledger} closed at {self.known_closed_at}"
        )


def told_by(page: Page) -> dict[int, int]:
    """{ledger: close time} of a page; 0 is none, some nodes write it for what they do not know."""
    told = {event.ledger: event.closed_at for event in page.events if event.defect is None}
    told |= {
        page.oldest_ledger: page.oldest_closed_at,
        page.latest_ledger: page.latest_closed_at,
    }
    return {ledger: closed_at for ledger, closed_at in told.items() if closed_at > 0}


class CloseTimes:
    """Of the last some thousand ledgers that anybody told of."""

    def __init__(self, most: int = _MOST_LEDGERS) -> None:
        self._most = most
        self._times: dict[int, tuple[int, str]] = {}  # the first told comes first
        self._ledgers: list[int] = []  # ascending

    def odd(self, told: Mapping[int, int]) -> Odd | None:
        """The first of them that cannot be."""
        for ledger, closed_at in told.items():
            for known in self._nearest(ledger):
                known_at, teller = self._times[known]
                fits = (
                    closed_at == known_at
                    if known == ledger
                    else (closed_at >= known_at) == (ledger > known) or closed_at == known_at
                )
                if not fits:
                    return Odd(ledger, closed_at, known, known_at, teller)
        return None

    def _nearest(self, ledger: int) -> Iterator[int]:
        """The ledger itself where it is known, else its neighbours."""
        if ledger in self._times:
            yield ledger
            return
        place = bisect_left(self._ledgers, ledger)
        yield from self._ledgers[max(0, place - 1) : place + 1]

    def learn(self, teller: str, told: Mapping[int, int]) -> None:
        """Keep what is new."""
        for ledger, closed_at in told.items():
            if ledger not in self._times:
                self._times[ledger] = (closed_at, teller)
                insort(self._ledgers, ledger)
        while len(self._ledgers) > self._most:
            self._drop(next(iter(self._times)))

    def forget(self, *, ledger: int | None = None, teller: str | None = None) -> None:
        """Drop a ledger, or all that somebody told."""
        for each in [
            known for known, (_, by) in self._times.items() if known == ledger or by == teller
        ]:
            self._drop(each)

    def _drop(self, ledger: int) -> None:
        del self._times[ledger]
        del self._ledgers[bisect_left(self._ledgers, ledger)]
