"""The log keeps its promises on both databases: order, no holes, all or nothing."""

import contextlib
import random
import threading
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, select, update

from domain.chain_order import FactJudged
from store import schema
from store.engine import Database
from store.errors import FenceLost, SchemaBehind, VersionConflict
from store.log import append, append_rows, head, read_after, read_aggregate, read_aggregates
from tests.fakes import chain

ONE, OTHER = UUID(int=1), UUID(int=2)


def judged(originator_id: UUID, version: int) -> FactJudged:
    return FactJudged(originator_id, version, chain.paused(version), "GA", "GB", "applied")


def rows(originator_id: UUID, count: int) -> list[tuple[UUID, int, str, bytes]]:
    return [(originator_id, version, "notice.read.1", b"\x91\x01") for version in range(count)]


def recorded(database: Database, limit: int = 1000) -> list[tuple[int, UUID, int]]:
    with database.read() as conn:
        return [
            (position, event.originator_id, event.originator_version)
            for position, event, _ in read_after(conn, 0, limit)
        ]


def test_an_empty_log_has_head_zero(database):
    with database.read() as conn:
        assert head(conn) == 0
        assert read_after(conn, 0, 10) == []


def test_events_are_read_in_the_order_of_appending(database):
    with database.begin() as conn:
        assert append(conn, [judged(ONE, 1), judged(OTHER, 1)], recorded_at=5) == 2
    with database.begin() as conn:
        assert append(conn, [judged(ONE, 2)], recorded_at=6) == 3
    with database.read() as conn:
        assert head(conn) == 3
        assert read_after(conn, 0, 10) == [
            (1, judged(ONE, 1), 5),
            (2, judged(OTHER, 1), 5),
            (3, judged(ONE, 2), 6),
        ]
        assert [each.position for each in read_after(conn, 1, 1)] == [2]


@pytest.mark.parametrize("count", [15, 16, 700])
def test_slices_of_any_size_are_appended_whole(database, count):
    with database.begin() as conn:
        assert append_rows(conn, rows(ONE, count), recorded_at=1) == count
    assert [position for position, *_ in recorded(database)] == list(range(1, count + 1))


def test_appending_nothing_moves_nothing(database):
    with database.begin() as conn:
        assert append(conn, [], recorded_at=1, fence=99) == 0


def test_an_aggregate_is_read_by_version_up_to_a_position(database):
    with database.begin() as conn:
        append(conn, [judged(ONE, 1), judged(OTHER, 1), judged(ONE, 2)], recorded_at=1)
    with database.read() as conn:
        assert [each.event for each in read_aggregate(conn, ONE)] == [
            judged(ONE, 1),
            judged(ONE, 2),
        ]
        assert [each.position for each in read_aggregate(conn, ONE, up_to=2)] == [1]
        assert read_aggregate(conn, uuid4()) == []


def test_many_aggregates_are_read_at_once(database):
    ids = [UUID(int=number) for number in range(1, 1201)]
    with database.begin() as conn:
        append(conn, [judged(each, 1) for each in ids], recorded_at=1)
    unknown = uuid4()
    with database.read() as conn:
        found = read_aggregates(conn, [*ids, unknown])
    assert found.pop(unknown) == []
    assert {each: [r.event for r in some] for each, some in found.items()} == {
        each: [judged(each, 1)] for each in ids
    }


def test_a_version_that_exists_refuses_the_whole_slice(database):
    with database.begin() as conn:
        append(conn, [judged(ONE, 1)], recorded_at=1)
    for slice_size in (2, 40):
        taken = [judged(OTHER, version) for version in range(1, slice_size)] + [judged(ONE, 1)]
        with pytest.raises(VersionConflict), database.begin() as conn:
            append(conn, taken, recorded_at=2)
    with database.read() as conn:
        assert head(conn) == 1
    assert recorded(database) == [(1, ONE, 1)]


def test_another_fence_refuses_the_append_and_leaves_nothing(database):
    with database.begin() as conn:
        conn.execute(update(schema.log_head).values(fence=7))
    with database.begin() as conn:
        append(conn, [judged(ONE, 1)], recorded_at=1, fence=7)
    with pytest.raises(FenceLost) as lost, database.begin() as conn:
        append(conn, [judged(ONE, 2)], recorded_at=1, fence=6)
    assert lost.value.fence == 6
    assert recorded(database) == [(1, ONE, 1)]


def test_without_a_fence_the_head_is_not_asked_for_one(database):
    with database.begin() as conn:
        conn.execute(update(schema.log_head).values(fence=7))
        assert append(conn, [judged(ONE, 1)], recorded_at=1) == 1


def test_a_database_without_its_head_row_is_behind(database):
    with database.begin() as conn:
        conn.execute(delete(schema.log_head))
    with pytest.raises(SchemaBehind), database.begin() as conn:
        append(conn, [judged(ONE, 1)], recorded_at=1)
    with pytest.raises(SchemaBehind), database.read() as conn:
        head(conn)


def append_and_fail(database: Database, count: int) -> None:
    with database.begin(durable=False) as conn:
        append_rows(conn, rows(uuid4(), count), recorded_at=1)
        raise ZeroDivisionError


def test_a_rolled_back_append_leaves_no_hole(database):
    with pytest.raises(ZeroDivisionError):
        append_and_fail(database, 2)
    with database.begin() as conn:
        assert append(conn, [judged(ONE, 1)], recorded_at=1) == 1
    assert recorded(database) == [(1, ONE, 1)]


def write_some(database: Database, seed: int, transactions: int) -> None:
    """Appends slices of 1 to 60 rows; every fourth transaction is rolled back at its end."""
    chance = random.Random(seed)
    for _ in range(transactions):
        count = chance.randint(1, 60)
        if chance.random() < 0.25:
            with contextlib.suppress(ZeroDivisionError):
                append_and_fail(database, count)
            continue
        with database.begin(durable=False) as conn:
            append_rows(conn, rows(uuid4(), count), recorded_at=1)


def test_a_tailing_reader_misses_nothing_under_many_writers_and_rollbacks(database):
    writers = [threading.Thread(target=write_some, args=(database, seed, 40)) for seed in range(4)]
    for writer in writers:
        writer.start()
    seen: list[int] = []
    while True:
        ended = not any(writer.is_alive() for writer in writers)
        with database.read() as conn:
            chunk = read_after(conn, seen[-1] if seen else 0, 500)
        seen += [each.position for each in chunk]
        if ended and not chunk:
            break
    with database.read() as conn:
        stored = conn.execute(select(func.count()).select_from(schema.recorded_event)).scalar()
        assert head(conn) == stored
    assert len(seen) > 1000
    # A position seen late would stand out of order, a missed one would be a hole.
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == stored
