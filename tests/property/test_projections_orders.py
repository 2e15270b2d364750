"""Read models over any order of arrival: the same rows as if all had been told on time, and as rebuilt."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import facts
from domain.actors import begins_pause, named
from domain.facts import Fact
from domain.values import I128
from projections.digest import Digests
from projections.rebuild import rebuild
from store.engine import Database
from tests.unit.projections.chain_of_facts import (
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    Ingest,
    all_paused,
    cancelled,
    created,
    digest,
    follow,
    paused,
    place,
    resumed,
    stored,
    withdrawn,
)

Make = Callable[[int, int, int], Fact]


def _transferred(ledger: int, stream: int, n: int) -> Fact:
    where = place(ledger, n)
    return facts.EmployeeTransferred(**where, stream_id=stream, previous=EMPLOYEE, employee=OTHER)


def _delegate_set(ledger: int, stream: int, n: int) -> Fact:
    delegate = OTHER if n % 3 else None
    return facts.DelegateSet(**place(ledger, n), stream_id=stream, delegate=delegate)


def _stated(status: str) -> Make:
    return lambda ledger, stream, n: facts.StatusStated(
        **place(ledger, n), stream_id=stream, status=status
    )


def _topped_up(ledger: int, stream: int, n: int) -> Fact:
    where = place(ledger, n)
    return facts.StreamToppedUp(**where, stream_id=stream, account=EMPLOYER, amount=I128(5))


KINDS: tuple[Make, ...] = (
    created,
    paused,
    paused,
    resumed,
    resumed,
    cancelled,
    withdrawn,
    _transferred,
    _topped_up,
    _delegate_set,
    _stated("exhausted"),
    _stated("paused"),
    lambda ledger, _, n: all_paused(ledger, value=True, n=n),
    lambda ledger, _, n: all_paused(ledger, value=False, n=n),
)

# Legal or not: the ledger (few, so that close times meet), the stream, the kind.
happened = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from((7, 8)), st.sampled_from(range(len(KINDS)))),
    min_size=1,
    max_size=14,
)
seeds = st.integers(0, 2**32)


def _told_by_storage(event: Fact, k: int) -> Fact | None:
    """What the contract's storage says of a pause or a resumption."""
    if not isinstance(event, facts.StreamPaused | facts.StreamResumed):
        return None
    is_pause = isinstance(event, facts.StreamPaused)
    where = stored(event.ledger, stream=event.stream_id, paused=is_pause, k=k)
    return type(event)(**where, stream_id=event.stream_id)


def _deliveries(events: list[Fact], choices: random.Random) -> Iterator[list[Fact]]:
    """The events shuffled and cut into slices, some of them told by storage before."""
    arrivals: list[tuple[float, Fact]] = []
    for k, event in enumerate(events):
        at = choices.random()
        arrivals.append((at, event))
        stored_fact = _told_by_storage(event, k)
        if stored_fact is not None and choices.random() < 0.4:
            arrivals.append((at * choices.random(), stored_fact))
    in_order = [fact for _, fact in sorted(arrivals, key=lambda arrival: arrival[0])]
    while in_order:
        size = choices.randint(1, 4)
        slice_, in_order = in_order[:size], in_order[size:]
        # Ingest never takes a storage fact and the event that confirms it in one slice.
        yield [fact for fact in slice_ if fact.from_storage]
        yield [fact for fact in slice_ if not fact.from_storage]


@contextmanager
def fresh(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / "orders.db"
    for stale in folder.glob("orders.db*"):
        stale.unlink()
    shutil.copyfile(template, path)
    database = Database.open(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.close()


def _arrive(database: Database, slices: list[list[Fact]], choices: random.Random) -> Digests:
    ingest = Ingest(database)
    for each in slices:
        if each:
            ingest.deliver(*each)
        if choices.random() < 0.3:
            follow(database, chunk_events=choices.randint(1, 5))
    follow(database, chunk_events=choices.randint(1, 5))
    return digest(database)


def _events(drawn: list[tuple[int, int, int]]) -> list[Fact]:
    events = [KINDS[kind](ledger, stream, n) for n, (ledger, stream, kind) in enumerate(drawn)]
    return [*events, *(_actor_of(event) for event in events if begins_pause(event))]


def _actor_of(event: Fact) -> Fact:
    """Who made a pause: employer, now and then delegate, or a stranger; once nobody, once two."""
    turn = int(event.event_id[-10:]) % 5
    actors = ((EMPLOYER,), (OTHER,), ("GSTRANGER",), (), ("GSTRANGER", OTHER))[turn]
    return named(event, actors, "pause_stream", (EMPLOYEE,) if turn == 2 else ())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=happened, seed=seeds)
def test_any_order_of_arrival_ends_in_the_same_rows(drawn, seed, sqlite_template, tmp_path):
    events, choices = _events(drawn), random.Random(seed)
    with fresh(sqlite_template, tmp_path) as database:
        on_time = _arrive(database, [[event] for event in sorted(events, key=_key)], choices)
    with fresh(sqlite_template, tmp_path) as database:
        shuffled = _arrive(database, list(_deliveries(events, choices)), choices)
        assert shuffled.state == on_time.state
        rebuild(database, chunk_events=choices.randint(1, 20))
        assert digest(database) == shuffled


@pytest.mark.postgres
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_databases_say_the_same_of_one_log(seed, sqlite_template, tmp_path, postgres_url):
    choices = random.Random(seed)
    drawn = [
        (choices.randint(1, 30), choices.choice((7, 8)), choices.randrange(len(KINDS)))
        for _ in range(60)
    ]
    slices = list(_deliveries(_events(drawn), choices))
    with fresh(sqlite_template, tmp_path) as database:
        on_sqlite = _arrive(database, slices, random.Random(seed))
    database = Database.open(postgres_url)
    try:
        on_postgres = _arrive(database, slices, random.Random(seed + 1))
        assert on_postgres == on_sqlite
        rebuild(database, chunk_events=7)
        assert digest(database) == on_sqlite
    finally:
        database.close()


def _key(fact: Fact) -> tuple[int, str]:
    return fact.chain_key
