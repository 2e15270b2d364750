"""SIGKILL at every named kill point: nothing lost, nothing doubled, every doubt called `unknown`."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from store.migrate import IN_MIGRATION, current
from tests.e2e.harness import KILLED, BackEnd, Site, site
from tests.e2e.kills import (
    MIGRATION_HITS,
    OF_RESTRAINT,
    POINTS,
    Kill,
    Lane,
    deal,
    in_doubt,
    plan,
)
from tests.e2e.mirror import Mirror

pytestmark = pytest.mark.e2e

# No story asks for such a job; tests/unit/ingest/test_reprocess.py dies there.
WITHOUT_A_STORY = ("in_reprocess",)
ROOT = Path(__file__).resolve().parents[2]


def killed_while_migrating(here: Site, hit: int) -> Mirror:
    """Die at a migration, find nothing of it done, and do it; what then mirrors all news."""
    url = here.environment["PAUSEWIRE_DATABASE__URL"]
    here.run("db", "upgrade", code=KILLED, PAUSEWIRE_TEST_KILL_AT=f"{IN_MIGRATION}:{hit}")
    assert current(url) is None
    here.import_people()
    assert current(url) is not None
    return Mirror(here)


def assert_nothing_lost_or_doubled(here: Site, mirror: Mirror, kills: Sequence[Kill]) -> None:
    here.assert_nothing_lost_or_doubled(in_doubt=in_doubt(kills) - mirror.doubts())
    mirror.assert_all_came_in_order()


def test_twenty_kills_on_one_machine(tmp_path: Path, sqlite_memory: BackEnd) -> None:
    with site(tmp_path, sqlite_memory) as here:
        mirror = killed_while_migrating(here, hit=3)
        lanes = [
            Lane(here, "index", plan("index", 7, seed=1)),
            Lane(here, "notify", plan("notify", 12, seed=1)),
        ]
        kills = deal(here, lanes)
        assert 1 + len(kills) == 20
        assert {kill.point for kill in kills} == {*POINTS["index"], *POINTS["notify"]}
        assert_nothing_lost_or_doubled(here, mirror, kills)


def test_kills_among_rival_processes(tmp_path: Path, servers: BackEnd) -> None:
    with site(tmp_path, servers) as here:
        mirror = killed_while_migrating(here, hit=2)
        lanes = [
            Lane(here, command, plan(command, 2, seed=number))
            for number in (1, 2)
            for command in ("index", "notify")
        ]
        kills = deal(here, lanes)
        assert 1 + len(kills) == 9
        assert_nothing_lost_or_doubled(here, mirror, kills)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 6))
def test_forty_kills_each(tmp_path: Path, back_end: BackEnd, seed: int) -> None:
    with site(tmp_path, back_end, seed=seed) as here:
        mirror = killed_while_migrating(here, hit=1 + seed % MIGRATION_HITS)
        lanes = [
            Lane(here, "index", plan("index", 15, seed)),
            Lane(here, "notify", plan("notify", 24, seed)),
        ]
        kills = deal(here, lanes)
        assert 1 + len(kills) == 40
        assert_nothing_lost_or_doubled(here, mirror, kills)


def test_every_kill_point_in_the_code_is_killed_at() -> None:
    named = {IN_MIGRATION}  # a constant where it is reached
    for package in ("store", "ingest", "projections", "notifier", "api", "cli"):
        for file in (ROOT / package).rglob("*.py"):
            named |= set(re.findall(r'(?:\breached\(|killpoint=)"(\w+)"', file.read_text()))
    told = {*POINTS["index"], *POINTS["notify"], *OF_RESTRAINT}
    assert named == {IN_MIGRATION, *told, *WITHOUT_A_STORY}
