"""Kills at named points: which process reaches which point, and a run that deals them out.

A lane is one command. It is started with the next kill point of its plan, dies there, is started again,
and runs to the end once its plan is done. Meanwhile the story goes on, so that every point is reached.
"""

import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from tests.e2e.harness import Process, Site
from tests.e2e.story import Story

POINTS = {
    "index": (
        *("after_fetch", "before_record", "in_record", "after_record"),
        *("in_project", "in_actors"),
    ),
    "notify": (
        "in_plan",
        "after_plan",
        "after_queue",
        "after_claim",
        "after_handoff",
        "after_send",
        "after_result",
        "in_facts",
    ),
}
# Where nothing is held, nobody comes there: tests/e2e/test_restraint_kills.py does.
OF_RESTRAINT = ("in_gather",)
# The bytes may have left and no result was written: nobody can know.
IN_DOUBT = frozenset({"after_handoff", "after_send"})
# A dead indexer finds some events waiting, one transaction each: few hits, and it dies in one of them.
MOST_HITS = {"index": 3, "notify": 6}
MIGRATION_HITS = 6  # there are at least so many migrations
_SECONDS_PER_KILL = 180  # a busy machine takes so long, an idle one five


class Kill(NamedTuple):
    """A kill point and the hit at which the process dies."""

    point: str
    hits: int

    def __str__(self) -> str:
        return f"{self.point}:{self.hits}"


def plan(command: str, count: int, seed: int) -> list[Kill]:
    """So many kills of a command in an order of the seed: every point once before any comes twice."""
    rng = random.Random(f"{command}:{seed}")
    points: list[str] = []
    while len(points) < count:
        points += rng.sample(POINTS[command], len(POINTS[command]))
    return [Kill(point, rng.randint(1, MOST_HITS[command])) for point in points[:count]]


def in_doubt(kills: Sequence[Kill]) -> int:
    """How many of them left at least one letter of which nobody can know whether it was sent."""
    return sum(kill.point in IN_DOUBT for kill in kills)


class Lane:
    """One command, started again after each kill."""

    def __init__(self, site: Site, command: str, kills: Sequence[Kill]) -> None:
        self.command = command
        self.dealt: list[Kill] = []
        self.waiting = list(kills)
        self._site = site
        self._process: Process | None = None

    @property
    def is_done(self) -> bool:
        """Whether all its kills were dealt, so that it runs without one."""
        return self._process is not None and not self.waiting

    def look(self) -> None:
        """Start it, again if it died at its point; fail the test where it ended otherwise."""
        if self._process is not None:
            if not self._process.was_killed():
                return
            assert self.waiting, f"{self.command} was killed by somebody else"
            self.dealt.append(self.waiting.pop(0))
        kill_at = str(self.waiting[0]) if self.waiting else None
        self._process = self._site.start(self.command, kill_at=kill_at)


def deal(site: Site, lanes: Sequence[Lane]) -> list[Kill]:
    """Run the story until every kill was dealt and everything has come to rest; the kills dealt."""
    story = Story(site)
    patience = _SECONDS_PER_KILL * (1 + max(len(lane.waiting) for lane in lanes))
    deadline = time.monotonic() + patience
    while not all(lane.is_done for lane in lanes):
        for lane in lanes:
            lane.look()
        story.go_on()
        time.sleep(0.05)
        if time.monotonic() > deadline:
            waiting = {lane.command: [str(kill) for kill in lane.waiting] for lane in lanes}
            pytest.fail(f"kill points were not reached within {patience} s: {waiting}")
    site.settle()
    return [kill for lane in lanes for kill in lane.dealt]
