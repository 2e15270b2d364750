"""Rebuilding: the idle set is filled from the log and then serves, and nobody notices."""

import pytest
from sqlalchemy import delete, update

from projections import rebuild, streams
from projections.digest import digests
from projections.errors import PositionBeyondLog, RebuildOvertaken, SetStillServing
from projections.sets import active_set
from store.schema import projection, tracking
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    Ingest,
    all_paused,
    created,
    digest,
    follow,
    paused,
    resumed,
    told,
)

SLICES = ([created(1), resumed(6)], [paused(3)], [all_paused(7)], [created(8, stream=8), paused(9)])


def serving(database):
    with database.read() as conn:
        return active_set(conn)


def cooled(database):
    """As if the last swap were long past."""
    with database.begin() as conn:
        conn.execute(update(projection).values(swapped_at=0))


def test_a_rebuilt_set_says_the_same_and_serves(sqlite_database):
    told(sqlite_database, *SLICES).gap(1, 2)
    follow(sqlite_database)
    before = digest(sqlite_database)
    heard = []
    position = rebuild.rebuild(sqlite_database, chunk_events=3, progress=heard.append)
    assert serving(sqlite_database) == "b"
    assert digest(sqlite_database) == before
    assert position == before.position == heard[-1]
    assert len(heard) > 1


def test_live_following_goes_on_in_the_rebuilt_set(sqlite_database):
    ingest = told(sqlite_database, *SLICES)
    rebuild.rebuild(sqlite_database)
    ingest.deliver(resumed(12))
    follow(sqlite_database)
    with sqlite_database.read() as conn:
        assert streams.entry(conn.execute(*streams.one("b", CONTRACT, 7)).one()).status == "active"
        assert streams.entry(conn.execute(*streams.one("a", CONTRACT, 7)).one()).status == "paused"


def test_a_rebuild_catches_up_with_what_is_followed_meanwhile(sqlite_database):
    ingest = told(sqlite_database, *SLICES)
    late = [[resumed(20)], [paused(21)]]

    def meanwhile(_: int) -> None:
        if late:
            ingest.deliver(*late.pop())
            follow(sqlite_database)

    position = rebuild.rebuild(sqlite_database, chunk_events=100, progress=meanwhile)
    after = digest(sqlite_database)
    assert position == after.position
    assert not late


def test_what_is_followed_between_filling_and_swap_delays_the_swap(sqlite_database):
    ingest = told(sqlite_database, *SLICES)
    name = rebuild._begin(sqlite_database)
    position = rebuild._fill(sqlite_database, name, 0, chunk_events=100, progress=None)
    ingest.deliver(resumed(20))
    follow(sqlite_database)
    assert rebuild._swap(sqlite_database, name, position) is False
    assert serving(sqlite_database) == "a"


def test_a_rebuild_takes_a_resting_follower_along(sqlite_database):
    ingest = Ingest(sqlite_database)
    for each in SLICES:
        ingest.deliver(*each)
    rebuild.rebuild(sqlite_database)
    rebuilt = digest(sqlite_database)
    with sqlite_database.begin() as conn:
        conn.execute(delete(tracking))
        conn.execute(update(projection).values(active="a"))
    follow(sqlite_database)
    assert digest(sqlite_database) == rebuilt


def test_an_empty_log_can_be_rebuilt(sqlite_database):
    assert rebuild.rebuild(sqlite_database) == 0
    assert serving(sqlite_database) == "b"


def test_the_old_set_is_not_emptied_while_it_may_be_read(sqlite_database):
    told(sqlite_database, *SLICES)
    rebuild.rebuild(sqlite_database)
    with pytest.raises(SetStillServing) as refusal:
        rebuild.rebuild(sqlite_database)
    assert 50 < refusal.value.seconds <= 60
    cooled(sqlite_database)
    rebuild.empty_idle(sqlite_database)
    with sqlite_database.read() as conn:
        assert conn.execute(streams.everything("a")).all() == []
        assert conn.execute(streams.everything("b")).all() != []


def test_a_rebuild_until_a_position_never_serves(sqlite_database):
    ingest = told(sqlite_database, *SLICES[:2])
    then = digest(sqlite_database)
    ingest.deliver(*SLICES[2])
    follow(sqlite_database)
    name = rebuild.rebuild_until(sqlite_database, then.position, chunk_events=2)
    assert (name, serving(sqlite_database)) == ("b", "a")
    with sqlite_database.read() as conn:
        assert digests(conn, name, then.position) == then


def test_a_position_beyond_the_log_is_refused(sqlite_database):
    told(sqlite_database, *SLICES)
    with pytest.raises(PositionBeyondLog, match="position 99 is not recorded"):
        rebuild.rebuild_until(sqlite_database, 99)


def test_a_rebuild_overtaken_while_filling_ends(sqlite_database):
    told(sqlite_database, *SLICES)

    def another(_: int) -> None:
        rebuild.empty_idle(sqlite_database)

    with pytest.raises(RebuildOvertaken):
        rebuild.rebuild(sqlite_database, chunk_events=2, progress=another)
    assert serving(sqlite_database) == "a"


def test_a_half_filled_set_never_serves(sqlite_database):
    told(sqlite_database, *SLICES)
    name = rebuild._begin(sqlite_database)
    position = rebuild._fill(sqlite_database, name, 0, chunk_events=100, progress=None)
    rebuild._begin(sqlite_database)
    with pytest.raises(RebuildOvertaken):
        rebuild._swap(sqlite_database, name, position)
    assert serving(sqlite_database) == "a"


def test_a_swap_that_came_too_early_is_tried_again(sqlite_database, monkeypatch):
    ingest = told(sqlite_database, *SLICES)
    swap, tries = rebuild._swap, []

    def late(database, name, position):
        if not tries:
            ingest.deliver(resumed(20))
            follow(sqlite_database)
        tries.append(position)
        return swap(database, name, position)

    monkeypatch.setattr(rebuild, "_swap", late)
    position = rebuild.rebuild(sqlite_database)
    assert tries == [position - 1, position]
    assert serving(sqlite_database) == "b"


def test_a_changed_row_of_the_list_people_search_shows_in_the_digest(sqlite_database):
    told(sqlite_database, *SLICES)
    follow(sqlite_database)
    before = digest(sqlite_database)
    table = streams.LISTS[serving(sqlite_database)]
    with sqlite_database.begin() as conn:
        conn.execute(update(table).where(table.c.stream_id == 8).values(status="cancelled"))
    assert digest(sqlite_database).state != before.state
