"""The table of moves, and moving by compare-and-set."""

from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from notifier import states
from notifier.schema import delivery
from notifier.states import MOVES, PROVEN, WITHDRAWABLE, move_all, move_one
from store.engine import Database
from store.mapper import decode
from store.schema import notice_fact_outbox
from tests.fakes.planned import delivery_row, plan

NOW = 1_790_000_000_000_000


def move(conn: Connection, delivery_id: UUID, origin: str, to: str, **guard: object) -> bool:
    moved = move_one(
        conn,
        delivery_id,
        origin=frozenset({origin}),
        to=to,
        guard=guard or {"generation": 0},
        now=NOW,
        changes={"reason": "because"},
    )
    return moved is not None


def test_every_state_that_can_be_reached_has_its_own_moves() -> None:
    assert set(MOVES) == set().union(*MOVES.values()) | {states.PLANNED}
    assert set(MOVES) >= PROVEN | WITHDRAWABLE


def test_what_has_left_can_no_longer_be_withdrawn() -> None:
    for state in set(MOVES) - WITHDRAWABLE:
        assert states.CANCELLED not in MOVES[state]


def test_an_accepted_letter_never_waits_to_be_sent_again() -> None:
    reached, grown = {states.ACCEPTED}, {states.ACCEPTED}
    while grown:
        grown = set().union(*(MOVES[state] for state in grown)) - reached
        reached |= grown
    assert not reached & WITHDRAWABLE


def test_a_move_that_the_table_does_not_know_is_a_defect(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn, pytest.raises(ValueError, match="no delivery moves from"):
        move(conn, UUID(int=1), "accepted", "pending")


def test_only_a_delivery_that_is_where_it_was_left_moves(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        planned = plan(conn)
        assert not move(conn, planned, "queued", "claimed")
        assert not move(conn, planned, "pending", "queued", generation=1)
        assert not move(conn, UUID(int=1), "pending", "queued")
        assert move(conn, planned, "pending", "queued")
        assert not move(conn, planned, "pending", "queued")
        row = delivery_row(conn, planned)
    assert (row.state, row.reason, row.updated_at) == ("queued", "because", NOW)


def test_moves_that_matter_to_a_proof_leave_a_fact(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        planned = plan(conn)
        move(conn, planned, "pending", "queued")
        assert conn.execute(select(notice_fact_outbox)).all() == []
        move(conn, planned, "queued", "cancelled")
        (fact,) = conn.execute(select(notice_fact_outbox)).all()
        row = delivery_row(conn, planned)
    event = decode(fact.topic, fact.fact, fact.notice_id, 1)
    assert fact.notice_id == row.notice_id
    assert (event.delivery_id, event.state, event.reason, event.changed_at) == (
        planned,
        "cancelled",
        "because",
        NOW,
    )


def test_many_move_in_one_statement_and_each_leaves_its_fact(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        planned = {plan(conn) for _ in range(3)}
        plan(conn, state="accepted")
        moved = move_all(
            conn,
            delivery.c.channel == "email",
            origin=WITHDRAWABLE,
            to="cancelled",
            now=NOW,
            changes={},
        )
        facts = conn.execute(select(notice_fact_outbox)).all()
    assert {row.delivery_id for row in moved} == planned
    assert len(facts) == 3
