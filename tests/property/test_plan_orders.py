"""Planning under any order of arrival: nobody is told twice, and how a stream stands is known."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from domain.actors import begins_pause, named
from domain.chain_order import placed_facts, walk
from domain.facts import Fact
from domain.state import CANCELLED, PAUSED
from domain.stream import STREAM_RULES
from notifier.schema import plan_parked
from store.engine import Database
from store.schema import tracking
from tests.fakes.chain import (
    EMPLOYER,
    OTHER,
    cancelled,
    contract_pause,
    created,
    paused,
    resumed,
    stored_pause,
    transferred,
)
from tests.fakes.planning import Told, World, aggregate_of

MAKERS = (
    paused,
    resumed,
    lambda ledger: paused(ledger, employee=None),
    lambda ledger: resumed(ledger, employee=None),
    transferred,
    cancelled,
    contract_pause,
    lambda ledger: contract_pause(ledger, value=False),
    stored_pause,
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[Fact, str | None]]:
    """A history of one stream and its contract, in any order of arrival; some of it brought by a job."""
    makers = draw(st.lists(st.sampled_from(MAKERS), min_size=1, max_size=8))
    history = [created(1), *(maker(ledger) for ledger, maker in enumerate(makers, start=2))]
    who = st.sampled_from(((EMPLOYER,), (OTHER,), ("GSTRANGER", OTHER), ()))
    history += [named(f, draw(who), None, ()) for f in history if begins_pause(f)]
    shuffled = draw(st.permutations(history))
    return [(fact, draw(st.sampled_from((None, None, "job-1")))) for fact in shuffled]


@contextmanager
def fresh_world(template: Path, chunk_events: int = 100) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copyfile(template, Path(folder) / "world.db")
        database = Database.open(f"sqlite:///{path}")
        yield World(database, chunk_events=chunk_events)
        database.close()


SETTINGS = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(arriving=arrivals())
def test_each_key_is_told_once_and_the_present_status_is_known(
    sqlite_template: Path, arriving: list[tuple[Fact, str | None]]
) -> None:
    with fresh_world(sqlite_template) as world:
        for fact, job in arriving:
            world.record(fact, job=job)
            world.plan()
        world.fill("job-1")
        world.plan()
        told = world.told()
        keys = [(each.kind, each.account, each.cause) for each in told]
        assert len(set(keys)) == len(keys)
        assert world.rows(select(plan_parked)) == []
        assert_the_employer_knows(world, told)
        with world.database.begin() as conn:
            conn.execute(update(tracking).values(position=0))
        world.plan()
        assert world.told() == told


def assert_the_employer_knows(world: World, told: list[Told]) -> None:
    """That the stream stands still or has ended: kinds begin with the status they tell.

    (The employer is the same in every history here; who takes a paused stream over is told nothing yet.)
    """
    steps = list(walk(STREAM_RULES, placed_facts(world.past[aggregate_of(created(1))])))
    state = steps[-1].after
    if state.status in (PAUSED, CANCELLED):
        assert state.employer in {
            each.account for each in told if each.kind.startswith(state.status)
        }


@SETTINGS
@given(arriving=arrivals(), chunk=st.integers(1, 4))
def test_the_size_of_a_chunk_changes_nothing_that_is_told(
    sqlite_template: Path, arriving: list[tuple[Fact, str | None]], chunk: int
) -> None:
    told = []
    for chunk_events in (100, chunk):
        with fresh_world(sqlite_template, chunk_events) as world:
            for fact, job in arriving:
                world.record(fact, job=job)
            world.fill("job-1")
            world.plan()
            told.append(sorted(world.told()))
    assert told[0] == told[1]
