"""Objectives judged: what was promised, what was kept, and how much may still go wrong.

Pure. In: a promise in percent, and a tally of what went well and what did not. Out: a standing with the
budget left: the share of the failures which the promise allows that has not been used up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

DELIVERY = "delivery"
LATENCY = "latency"
CAPTURE = "capture"
API = "api"
WORK = "work"
UPTIME = "uptime"

MOST_BURNING = 3  # what uses a budget up is told by its largest parts
_WHOLE = 100.0


class Objective(NamedTuple):
    """A promise: so many percent of something. `meaning`: in words, for people."""

    name: str
    percent: float
    meaning: str

    @property
    def allowed(self) -> float:
        """The share that may go wrong: 0.05 where 95 percent are promised."""
        return (_WHOLE - self.percent) / _WHOLE


class Tally(NamedTuple):
    """How often it went well, and how often not, by what went wrong."""

    good: int
    bad: Mapping[str, int]

    @property
    def lost(self) -> int:
        """How often it did not go well."""
        return sum(self.bad.values())

    @property
    def burning(self) -> list[tuple[str, int]]:
        """What went wrong most, the most frequent first."""
        ordered = sorted(self.bad.items(), key=lambda part: (-part[1], part[0]))
        return [(what, count) for what, count in ordered if count][:MOST_BURNING]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an objective stands."""

    objective: Objective
    tally: Tally

    @property
    def percent(self) -> float | None:
        """What was kept; None: nothing happened."""
        total = self.tally.good + self.tally.lost
        return _WHOLE * self.tally.good / total if total else None

    @property
    def holds(self) -> bool | None:
        """Whether the promise is kept; None: nothing happened that could tell."""
        return None if self.percent is None else self.percent >= self.objective.percent

    @property
    def budget_left_percent(self) -> float | None:
        """Of the failures allowed so far, those not used up; below 0: more than that went wrong.

        A promise of 100 percent allows none: all of its budget is there, or nothing.
        """
        if self.percent is None:
            return None
        allowed = self.objective.allowed * (self.tally.good + self.tally.lost)
        if not allowed:
            return 0.0 if self.tally.lost else _WHOLE
        return _WHOLE * (1 - self.tally.lost / allowed)


def all_hold(standings: Iterable[Standing]) -> bool:
    """Whether none is missed; one that nothing can tell of yet is not."""
    return all(standing.holds is not False for standing in standings)
