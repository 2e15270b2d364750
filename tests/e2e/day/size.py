"""How big a day is: events, people and kills, and the seed that draws the rest."""

import os
from typing import NamedTuple

VARIABLE = "PAUSEWIRE_TEST_DAY"


class Size(NamedTuple):
    """`events` that people are told of, `recipients`, `kills` of notify processes."""

    events: int
    recipients: int
    kills: int
    seed: int = 1

    @property
    def streams(self) -> int:
        """One employee each; every four have an employer: together they are the recipients."""
        return self.recipients * 4 // 5


FULL = Size(50_000, 10_000, 1_000)


def asked_for() -> Size:
    """`events:recipients:kills[:seed]` of the environment variable; the full size without it."""
    given = os.environ.get(VARIABLE)
    return Size(*map(int, given.split(":"))) if given else FULL
