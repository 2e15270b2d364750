"""Who paused becomes known a moment later, often behind the stream's next event: nobody is told anew."""

import pytest

from domain.actors import named
from domain.facts import Fact
from notifier import late_news
from store.engine import Database
from tests.fakes.chain import EMPLOYER, OTHER, created, event_id, paused, resumed
from tests.fakes.planning import World


@pytest.fixture
def world(sqlite_database: Database) -> World:
    made = World(sqlite_database)
    made.record(created(1), paused(2))
    made.plan()
    return made


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The aggregates whose whole history was read."""
    found: list[object] = []
    read = late_news.look_at

    def look_at(*arguments: object, **named: object) -> None:
        found.append(arguments[2])
        read(*arguments, **named)

    monkeypatch.setattr(late_news, "look_at", look_at)
    return found


def paused_by(ledger: int, who: str = EMPLOYER) -> Fact:
    return named(paused(ledger), (who,), "pause_stream", ())


@pytest.mark.parametrize("who", [EMPLOYER, OTHER])
def test_who_paused_told_late_is_told_to_nobody_and_reads_no_history(
    world: World, looked_at: list[object], who: str
) -> None:
    world.record(resumed(3))
    world.record(paused_by(2, who))
    world.plan()
    assert {each.kind for each in world.told()} == {"paused", "resumed"}
    assert looked_at == []


def test_a_pause_that_comes_late_with_who_made_it_is_told(
    world: World, looked_at: list[object]
) -> None:
    world.record(resumed(3), paused(9))
    world.record(paused(5), resumed(6), paused_by(5))
    world.plan()
    assert ("revised", event_id(5), True) in {
        (each.kind, each.cause, each.late) for each in world.told()
    }
    assert len(looked_at) == 1


def test_very_many_that_come_late_at_once_are_looked_at_as_a_whole(
    world: World, looked_at: list[object]
) -> None:
    many = range(10, 40)
    world.record(*(fact for ledger in many for fact in (resumed(ledger), paused(ledger, 1))))
    world.record(*(named(paused(ledger, 1), (EMPLOYER,), None, ()) for ledger in many))
    world.plan()
    assert {each.kind for each in world.told()} == {"paused", "resumed"}
    assert len(looked_at) == 1
