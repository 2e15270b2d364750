"""What a crowd of deliveries writes together: each with its own answer, all by the same statements."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, select, update

from notifier.attempts import Mark, Message
from notifier.channels.channel import Receipt
from notifier.commits import Commits, Taken
from notifier.drafts import Draft
from notifier.ending import End
from notifier.letters import Letters
from notifier.limits import Pace
from notifier.pacing import Paces, Pacing
from notifier.rendering import Renderer
from notifier.result import SENDING, Result
from notifier.retry import NextStep
from notifier.schema import delivery, notice
from notifier.spending import Caps, Spending
from notifier.till import Till
from store.clock import now_micros
from store.engine import Database
from store.gather import gathering
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import delivery_row, plan_many, vault

PRICE = 7
# By what a statement is known, in a crowd that pays and gives back.
LOCKS = {
    "money": "'cost'",
    "deliveries": "FOR NO KEY UPDATE",
    "buckets": "'rate_bucket'",
    "tokens": "UPDATE rate_bucket",
    "delivery": 'UPDATE "delivery"',
}


def commits(database: Database, *, cap: int = 0) -> Commits:
    return Commits(
        letters=Letters(vault(), Renderer(), guests=EVERYBODY),
        channels={"email": FakeChannel()},
        pacing=Pacing(Paces(providers={"fake": Pace(1_000_000, 9)})),
        till=Till(Spending(Caps(prices={"email": PRICE}, total=cap))),
        bell=database.bell,
        lease=120_000_000,
        worker="w",
        clock=now_micros,
    )


def queued(database: Database, number: int) -> list[UUID]:
    places = [f"p{each}@example.test" for each in range(number)]
    with database.begin() as conn:
        return plan_many(conn, places, state="queued", generation=1)


def together(
    database: Database, desk: Commits, wanted: Sequence[Message | Mark | End]
) -> list[Any]:
    with database.begin() as conn, gathering(conn):
        return desk.write(conn, wanted)


def ended(taken: Taken) -> End:
    receipt = Receipt(provider_message_id=str(taken.held.delivery_id))
    result = Result(
        phase=SENDING, provider="fake", worker="w", ended_at=now_micros(), answer=receipt
    )
    return End(taken.held, result, 0.5)


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def heard(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        seen.append(f"{statement} {values}")

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


def test_messages_marks_and_ends_of_one_moment_each_get_their_own_answer(
    database: Database,
) -> None:
    desk = commits(database)
    first, second, third = queued(database, 3)
    takes = [Message(first, 1, "a"), Message(second, 1, "b")]
    one, two = together(database, desk, takes)
    assert isinstance(one.draft, Draft)
    assert together(database, desk, [Mark(one.held, "fake")]) == [True]
    wanted = [Mark(two.held, "fake"), Message(third, 1, "c"), ended(one), Message(first, 1, "d")]
    marked, taken, step, nothing = together(database, desk, wanted)
    assert (marked, taken.held.delivery_id, step) == (True, third, NextStep("accepted"))
    assert nothing is None
    with database.read() as conn:
        states = [delivery_row(conn, each).state for each in (first, second, third)]
        letters = [delivery_row(conn, each).provider_message_id for each in (first, second)]
    assert states == ["accepted", "handed_off", "claimed"]
    assert letters == [str(first), None]


def test_two_copies_of_a_message_in_one_crowd_are_one_claim(database: Database) -> None:
    (planned,) = queued(database, 1)
    copies = [Message(planned, 1, "a"), Message(planned, 1, "b"), Message(planned, 0, "c")]
    found = together(database, commits(database), copies)
    (taken,) = [each for each in found if each is not None]
    with database.read() as conn:
        assert delivery_row(conn, planned).token == taken.held.token


def test_words_that_cannot_be_read_are_the_fault_of_one(database: Database) -> None:
    first, second = queued(database, 2)
    with database.begin() as conn:
        mine = select(delivery.c.notice_id).where(delivery.c.delivery_id == first)
        broken = update(notice).where(notice.c.notice_id.in_(mine))
        conn.execute(broken.values(content=b"\xc1 not msgpack"))
    takes = [Message(first, 1, "a"), Message(second, 1, "b")]
    one, two = together(database, commits(database), takes)
    assert isinstance(one.draft, Exception)
    assert isinstance(two.draft, Draft)


@pytest.mark.postgres
def test_a_large_crowd_costs_as_many_statements_as_a_small_one(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    desk, counted = commits(database), []
    for size in (3, 15):
        with statements() as seen:
            takes = [Message(each, 1, str(each)) for each in queued(database, size)]
            del seen[:]
            found = together(database, desk, takes)
            assert all(together(database, desk, [Mark(each.held, "fake") for each in found]))
            assert all(together(database, desk, [ended(each) for each in found]))
        counted.append(len(seen))
    assert counted[0] == counted[1]
    database.close()


@pytest.mark.postgres
def test_money_is_locked_first_then_deliveries_and_buckets_last(postgres_url: str) -> None:
    """Else a crowd that gives a turn back before another of it pays could wait for one that does not."""
    database = Database.open(postgres_url)
    desk = commits(database, cap=10 * PRICE)
    late, paying = queued(database, 2)
    (taken,) = together(database, desk, [Message(paying, 1, "a")])
    with database.begin() as conn:
        conn.execute(update(delivery).where(delivery.c.delivery_id == late).values(deadline_at=5))
    with statements() as seen:
        wanted = [Message(late, 1, "b"), Mark(taken.held, "fake", PRICE)]
        assert together(database, desk, wanted) == [None, True]
    order = [
        next(name for name, mark in LOCKS.items() if mark in each)
        for each in seen
        if any(mark in each for mark in LOCKS.values())
    ]
    assert order[:2] == ["money", "deliveries"]
    assert order[-2:] == ["buckets", "tokens"]
    database.close()
