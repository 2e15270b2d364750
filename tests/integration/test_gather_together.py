"""Bundles that are due together are gathered together: few statements, and a fault of one is its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from stellar_sdk import StrKey

from notifier import digests, gather, taken_apart
from notifier.beliefs import must_leave
from notifier.contact_file import ContactLine
from notifier.schema import delivery
from notifier.states import PENDING
from notifier.waiting import Waiting, waiting_about, waiting_in
from store.engine import Database
from tests.fakes import chain
from tests.fakes.chain import created, paused, resumed
from tests.fakes.planning import World
from tests.fakes.postman import RESTRAINT, SECOND, WINDOW, Clock, Postman

LATER = 5


class Crowd:
    """People who were told of one pause each; two more wait in a bundle, one of them back and forth."""

    def __init__(self, database: Database, people: int) -> None:
        self.clock = Clock(now=(chain.GENESIS + 10) * SECOND)
        self.world = World(database, restraint=RESTRAINT, clock=self.clock)
        self.postman = Postman(self.world, self.clock)
        self.people = [
            StrKey.encode_ed25519_public_key(bytes([n]) * 32) for n in range(1, people + 1)
        ]
        for account in self.people:
            self.world.register(ContactLine(account, email=f"{account[-6:]}@example.org"))
        self._all(1, created)
        story = [(paused, 0), (paused, 1), (resumed, 1), (paused, 1), (paused, 2)]
        for ledger, (what, stream) in enumerate(story, start=2):
            self._all(ledger, what, of=stream)
            self.clock.pass_seconds(LATER)
            self.postman.gather()
            self.postman.send()
        self.clock.pass_seconds(WINDOW)

    def _all(self, ledger: int, what: Callable[..., object], of: int | None = None) -> None:
        """Something of the streams of each, of all three or of one."""
        facts = [
            what(ledger, 3 * place + nth, stream_id=100 * place + nth, employee=account)
            for place, account in enumerate(self.people)
            for nth in range(3)
            if of in (None, nth)
        ]
        self.world.record(*facts)
        self.world.plan()

    def lines(self) -> list[int]:
        """Of each message since the windows were over, how many lines it has."""
        before = len(self.postman.messages)
        self.postman.gather()
        self.postman.send()
        return sorted(len(each.lines) for each in self.postman.messages[before:])


@pytest.fixture
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        del conn, cursor, rest
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.postgres
def test_a_crowd_takes_no_more_statements_than_one(
    postgres_url: str, statements: list[str]
) -> None:
    """Planning waits for the bundles that it needs as long as gathering works on them."""
    people = 30
    database = Database.open(postgres_url)
    try:
        crowd = Crowd(database, people)
        statements.clear()
        assert crowd.postman.gather() == people
    finally:
        database.close()
    assert len(statements) < people


def test_who_cannot_be_gathered_is_told_line_by_line_and_the_others_are_not(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crowd = Crowd(database, 3)
    unlucky: list[str] = []

    def falls(waiting: Sequence[Waiting], beliefs: Mapping[UUID, str]) -> bool:
        unlucky.append(waiting[-1].recipient_id)
        if waiting[-1].recipient_id == unlucky[0]:
            raise KeyError("a kind that nobody knows")
        return must_leave(waiting, beliefs)

    monkeypatch.setattr(gather, "must_leave", falls)
    assert crowd.lines() == [1, 1, 2, 2]
    assert "gathering_failed" in capsys.readouterr().out
    ended = crowd.world.rows(select(delivery).where(delivery.c.bundle.is_not(None)))
    assert {row.state for row in ended if row.digest} <= {PENDING, "accepted"}
    assert sum(row.carried_by is not None for row in ended) == 2


def test_a_digest_of_which_all_else_was_taken_back_tells_its_own_news_alone(
    database: Database,
) -> None:
    crowd = Crowd(database, 2)
    assert crowd.postman.gather() == 2
    digests_now = select(delivery).where(delivery.c.digest).order_by(delivery.c.delivery_id)
    first, second = crowd.world.rows(digests_now)
    with database.begin() as conn:
        waiting = waiting_in(conn, [first.bundle, second.bundle], locked=True)
        carried = [each for each in waiting if each.carried_by == first.delivery_id]
        digests.take_back(conn, carried, crowd.clock())
        taken_apart.lighten(conn, carried, crowd.clock())
    assert carried
    assert [row.delivery_id for row in crowd.world.rows(digests_now)] == [second.delivery_id]


def test_what_is_about_some_streams_is_read_alone_also_where_a_digest_carries_it(
    database: Database,
) -> None:
    crowd = Crowd(database, 3)
    assert crowd.postman.gather() == 3
    rows = crowd.world.rows(select(delivery).where(delivery.c.bundle.is_not(None)))
    bundles = {row.bundle for row in rows}
    with database.begin() as conn:
        waiting = waiting_in(conn, bundles)
        assert any(each.carried_by for each in waiting)
        streams = sorted({each.subject[1] for each in waiting})
        assert len(streams) > 3
        for some in (streams, streams[:1], streams[1:4], [], [None]):
            about = waiting_about(conn, bundles, some)
            assert sorted(about) == sorted(each for each in waiting if each.subject[1] in some)
