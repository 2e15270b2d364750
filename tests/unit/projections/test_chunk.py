"""A chunk into every read model: what rows say depends on the position, never on the chunks."""

import pytest

from domain.facts import StreamPaused
from projections import follow as follow_module
from projections import streams
from projections.follow import projections_follower
from projections.sets import active_set
from store.engine import Database
from tests.unit.projections.chain_of_facts import (
    CONTRACT,
    Ingest,
    all_paused,
    cancelled,
    closed_at,
    created,
    digest,
    follow,
    paused,
    resumed,
    stored,
    withdrawn,
)

TOLD_BY_STORAGE = StreamPaused(**stored(3, stream=7, paused=True), stream_id=7)
SLICES = (
    [created(1), created(2, stream=8), TOLD_BY_STORAGE],
    [paused(3), withdrawn(2), all_paused(4)],
    [resumed(9), all_paused(3), withdrawn(10), paused(5, stream=8)],
    [cancelled(12), paused(7), resumed(6, stream=8)],
    [withdrawn(13), all_paused(20, value=False)],
)


def recorded(database: Database) -> None:
    ingest = Ingest(database)
    for each in SLICES:
        ingest.deliver(*each)
    ingest.gap(1, 2)
    ingest.gap(2, 2, healed_by="storage")


@pytest.mark.parametrize("chunk_events", [1, 2, 3, 5])
def test_chunks_of_any_size_say_the_same(sqlite_database, tmp_path, chunk_events):
    recorded(sqlite_database)
    follow(sqlite_database, chunk_events=chunk_events)
    in_pieces = digest(sqlite_database)
    with sqlite_database.begin() as conn:
        for table in ("stream_view", "stream_list", "pause_view", "contract_view", "contract_gap"):
            assert conn.exec_driver_sql(f"DELETE FROM {table}_a").rowcount > 0
        for table in ("timeline_a", "revision_a", "tracking"):
            assert conn.exec_driver_sql(f"DELETE FROM {table}").rowcount > 0
    follow(sqlite_database, chunk_events=1000)
    assert digest(sqlite_database) == in_pieces


def test_the_follower_tells_of_what_it_followed(sqlite_database):
    recorded(sqlite_database)
    seen = []
    follower = projections_follower(sqlite_database, after=seen.extend)
    while follower.step():
        pass
    with sqlite_database.read() as conn:
        assert seen[-1].position == follower.position(conn)
        assert active_set(conn) == "a"


def test_a_chunk_that_fails_leaves_nothing(sqlite_database, monkeypatch):
    recorded(sqlite_database)
    empty = digest(sqlite_database)

    def half(conn, name, rows):
        apply(conn, name, rows)
        raise RuntimeError("power cut")

    apply = follow_module.chunk.apply
    monkeypatch.setattr(follow_module.chunk, "apply", half)
    with pytest.raises(RuntimeError, match="power cut"):
        follow(sqlite_database)
    assert digest(sqlite_database) == empty


def test_a_fact_behind_its_own_revision_counts_once_beside_a_later_revision(sqlite_database):
    ingest = Ingest(sqlite_database)
    ingest.deliver(created(1), created(2, stream=8), resumed(9), resumed(9, stream=8))
    ingest.deliver(paused(3))
    ingest.deliver(paused(11), paused(12))
    ingest.deliver(paused(4, stream=8))
    follow(sqlite_database)
    with sqlite_database.read() as conn:
        row = streams.entry(conn.execute(*streams.one("a", CONTRACT, 7)).one())
    assert (row.pause_count, row.anomalies, row.paused_since) == (2, 1, closed_at(11))
