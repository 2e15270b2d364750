"""Digests that have not left and meet something on their way: more news, a worker, a withdrawal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, select, text, update

from notifier import attempts, gather
from notifier.attempts import Claim, Mark, Message
from notifier.contact_file import ContactLine
from notifier.deliveries import Filter, cancel, redrive, withdrawable
from notifier.schema import delivery, notice
from notifier.withdrawing import SUPERSEDED, withdraw
from store.engine import Database
from store.schema import notice_fact_outbox
from tests.e2e.harness import until
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, created, paused, resumed
from tests.fakes.planning import World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

STREAMS = range(1, 13)


class Desk:
    """One person, twelve streams; whatever is planned waits until a test sends it."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        self.world = World(database, restraint=RESTRAINT, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.world.register(ContactLine(EMPLOYEE, email="ana@example.org"))
        self.tell(*(created(1, number, stream_id=number) for number in STREAMS))
        self.postman.send()

    def tell(self, *facts: Any) -> None:
        self.world.record(*facts)
        self.world.plan()

    def gather(self, seconds: float = WINDOW) -> int:
        self.clock.pass_seconds(seconds)
        return self.postman.gather()

    def rows(self) -> dict[int, Row[Any]]:
        """The mails that were planned of pauses, by stream; a later one hides an earlier one."""
        found = self.world.rows(
            select(delivery, notice.c.stream_id)
            .join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
            .where(delivery.c.channel == "email")
            .order_by(notice.c.position)
        )
        return {row.stream_id: row for row in found}

    def digest(self) -> Row[Any]:
        (row,) = (row for row in self.rows().values() if row.digest)
        return row

    def told(self) -> list[set[int | None]]:
        """The streams of each message so far."""
        return [{line.stream_id for line in each.lines} for each in self.postman.messages]

    def claimed(self, row: Row[Any]) -> Claim:
        """A worker has it, and has read its letter."""
        now = self.clock()
        with self.world.database.begin() as conn:
            mine = delivery.c.delivery_id == row.delivery_id
            conn.execute(update(delivery).where(mine).values(state="queued", generation=9))
            message = Message(row.delivery_id, 9, "t")
            (held,) = attempts.claim(conn, [message], now=now, lease_until=now + 30 * SECOND)
        assert held is not None
        return held

    def handed_off(self, held: Claim) -> bool:
        now = self.clock()
        with self.world.database.begin() as conn:
            lease = now + 30 * SECOND
            (marked,) = attempts.hand_off(
                conn, [Mark(held, "test")], worker="w", now=now, lease_until=lease
            )
        return marked


def _with_a_digest(database: Database) -> Desk:
    """The pause of stream 1 was told; those of 2 to 4 wait together, in a digest."""
    desk = Desk(database)
    desk.tell(paused(2, 1, stream_id=1))
    desk.postman.send()
    desk.tell(*(paused(3, number, stream_id=number) for number in (2, 3, 4)))
    desk.gather()
    return desk


@pytest.fixture
def desk(database: Database) -> Desk:
    return _with_a_digest(database)


def facts(desk: Desk) -> int:
    return len(desk.world.rows(select(notice_fact_outbox)))


def test_a_digest_that_has_long_to_wait_says_of_each_but_once_that_it_carries_it(
    desk: Desk,
) -> None:
    """A slow provider's digest is told more and more; the log hears of what is new."""
    before, digest = facts(desk), desk.digest().delivery_id
    for nth, stream in enumerate(STREAMS[4:], start=4):
        desk.tell(paused(nth, stream, stream_id=stream))
        desk.gather()
    carried = [row for row in desk.rows().values() if row.carried_by is not None]
    # It stays the one that carries: what it carries already need not be written anew.
    assert {row.carried_by for row in carried} == {digest} == {desk.digest().delivery_id}
    # Each is planned and is in the inbox, and the one before it is carried from now on.
    assert facts(desk) - before == 3 * len(STREAMS[4:])
    desk.postman.send()
    assert desk.told()[-1] == set(STREAMS[1:])


def test_a_worker_that_has_read_a_digest_loses_it_when_something_of_it_is_told_anew(
    desk: Desk,
) -> None:
    digest = desk.digest()
    held = desk.claimed(digest)
    # Newer news of its own stream, of a kind that was told a moment ago, waits; more of others is due.
    desk.tell(resumed(5, 9, stream_id=digest.stream_id))
    desk.tell(paused(5, 10, stream_id=9))
    with desk.world.database.begin() as conn:
        of = delivery.c.notice_id.in_(select(notice.c.notice_id).where(notice.c.position > 0))
        newest = {row.stream_id: row for row in desk.rows().values()}
        wait = {digest.stream_id: 10 * WINDOW, 9: 0}
        for stream, seconds in wait.items():
            mine = of & (delivery.c.delivery_id == newest[stream].delivery_id)
            changes = {"state": "held", "available_at": desk.clock() + seconds * SECOND}
            conn.execute(update(delivery).where(mine).values(reason="quiet", **changes))
    assert desk.gather(1) == 1
    assert not desk.handed_off(held)
    desk.gather(20 * WINDOW)
    desk.postman.send()
    lines = [stream for told in desk.told() for stream in told]
    assert sorted(lines, key=str) == sorted(set(lines), key=str)


def test_what_may_have_left_before_is_released_and_gathering_rests(desk: Desk) -> None:
    digest = desk.digest()
    held = desk.claimed(digest)
    assert desk.handed_off(held)
    desk.clock.pass_seconds(31)
    desk.postman.sweep()
    with desk.world.database.begin() as conn:
        wanted = Filter(delivery=digest.delivery_id)
        assert redrive(conn, desk.world.database.bell, wanted, now=desk.clock())
        # A revision withdraws one of those that it carries.
        carried = next(row for row in desk.rows().values() if row.carried_by is not None)
        withdraw(conn, notice.c.notice_id == carried.notice_id, SUPERSEDED, desk.clock())
    assert desk.postman.gather() == 0
    desk.postman.sweep()
    desk.postman.send()
    left = {digest.stream_id, 2, 3, 4} - {carried.stream_id}
    assert desk.told()[-len(left) :] == sorted(({each} for each in left), key=str)
    assert left == {
        row.stream_id
        for row in desk.rows().values()
        if row.possible_duplicate and row.state == "accepted"
    }


def test_what_is_withdrawn_by_state_is_withdrawn_though_it_is_a_digest(desk: Desk) -> None:
    digest = desk.digest()
    with desk.world.database.begin() as conn:
        wanted = Filter(state="pending")
        promised = conn.scalars(withdrawable(wanted)).all()
        assert promised == [digest.delivery_id]
        assert cancel(conn, wanted, now=desk.clock()) == promised
    desk.gather()
    desk.postman.send()
    assert desk.told()[-1] == {2, 3, 4} - {digest.stream_id}


def test_what_a_digest_carries_can_be_withdrawn_from_it(desk: Desk) -> None:
    carried = next(row for row in desk.rows().values() if row.carried_by is not None)
    with desk.world.database.begin() as conn:
        wanted = Filter(notice=carried.notice_id, channel="email")
        assert conn.scalars(withdrawable(wanted)).all() == [carried.delivery_id]
        assert cancel(conn, wanted, now=desk.clock()) == [carried.delivery_id]
    desk.gather()
    desk.postman.send()
    assert desk.told()[-1] == {2, 3, 4} - {carried.stream_id}


@pytest.mark.postgres
def test_news_that_a_gathering_puts_into_another_digest_meanwhile_is_withdrawn_all_the_same(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(postgres_url)
    try:
        desk = _with_a_digest(database)
        carried = next(row for row in desk.rows().values() if row.carried_by is not None)
        desk.tell(paused(5, 9, stream_id=9))
        with ThreadPoolExecutor(1) as pool:
            _while_it_gathers(
                monkeypatch, database, lambda: pool.submit(_withdrawn, desk, carried.notice_id)
            )
            desk.gather()
        desk.gather()
        desk.postman.send()
        assert desk.told()[-1] == {2, 3, 4, 9} - {carried.stream_id}
    finally:
        database.close()


def _withdrawn(desk: Desk, notice_id: UUID) -> None:
    with desk.world.database.begin() as conn:
        withdraw(conn, notice.c.notice_id == notice_id, SUPERSEDED, desk.clock())


def _while_it_gathers(
    monkeypatch: pytest.MonkeyPatch, database: Database, begin: Callable[[], object]
) -> None:
    """Begin when the next gathering has written all; it commits when that waits for a row of it."""
    write = gather._Decisions.write

    def writes(decisions: Any, conn: Any) -> None:
        monkeypatch.undo()
        write(decisions, conn)
        begin()
        _await_a_waiter(database)

    monkeypatch.setattr(gather._Decisions, "write", writes)


def _await_a_waiter(database: Database) -> None:
    waits = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def is_there() -> bool:
        with database.read() as conn:
            return bool(conn.scalar(waits))

    until(is_there, seconds=30, what="a transaction that waits for gathering")
