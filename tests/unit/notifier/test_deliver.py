"""One message, however often it comes and whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select, text, update
from structlog.testing import capture_logs

from notifier import attempt_log, deliver, suppression, switch
from notifier.buckets import decide, hold, person_bucket, rate_bucket
from notifier.deliver import Deliverer
from notifier.errors import ChannelUnavailable, DestinationRejected, OutcomeUnknown
from notifier.group_commit import GroupCommit, T, W, Work
from notifier.letters import Letters
from notifier.limits import Pace, Want
from notifier.pacing import Paces, Pacing
from notifier.rendering import Renderer
from notifier.schema import contact, delivery, notice
from store.clock import now_micros
from store.engine import Database
from store.errors import ConnectionLost, DatabaseLocked
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import PLACES, attempt_rows, delivery_row, plan, vault


class Bench:
    """A deliverer over a fake channel and a real database."""

    def __init__(self, database: Database, moves: GroupCommit) -> None:
        self.database = database
        self.channel = FakeChannel()
        self.moves = moves
        self.deliverer = Deliverer(
            moves=moves,
            letters=Letters(vault(), Renderer(), guests=EVERYBODY),
            channels={"email": self.channel},
            lease_seconds=120,
            worker="w1",
        )

    def queued(self, **changes: Any) -> UUID:
        with self.database.begin() as conn:
            given: dict[str, Any] = {"state": "queued", "generation": 1}
            return plan(conn, **(given | changes))

    def write(self, change: Callable[[Connection], object]) -> None:
        with self.database.begin() as conn:
            change(conn)

    def row(self, planned: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, planned)

    def attempts(self, planned: UUID) -> list[Any]:
        with self.database.read() as conn:
            return attempt_rows(conn, planned)


@pytest.fixture
async def bench(sqlite_database: Database) -> AsyncIterator[Bench]:
    made = Bench(sqlite_database, GroupCommit(sqlite_database))
    yield made
    await made.deliverer.close()
    assert made.channel.closed


async def test_a_message_becomes_an_accepted_letter(bench: Bench) -> None:
    planned = bench.queued()
    states: list[str] = []
    bench.channel.on_send = lambda: states.append(bench.row(planned).state)
    await bench.deliverer.deliver(planned, 1)
    ((letter, destination),) = bench.channel.sent
    row = bench.row(planned)
    assert (letter.delivery_id, destination) == (planned, PLACES["email"])
    assert states == ["handed_off"]  # committed before the bytes left
    assert (row.state, row.provider_message_id) == ("accepted", f"fake-{planned}")
    assert [tried.result for tried in bench.attempts(planned)] == ["accepted"]


async def test_a_message_that_comes_many_times_sends_one_letter(bench: Bench) -> None:
    planned = bench.queued()
    await asyncio.gather(*(bench.deliverer.deliver(planned, 1) for _ in range(10)))
    await bench.deliverer.deliver(planned, 1)
    await bench.deliverer.deliver(planned, 0)
    await bench.deliverer.deliver(UUID(int=1), 1)
    assert len(bench.channel.sent) == 1


async def test_many_messages_at_once_send_each_letter_once(bench: Bench) -> None:
    planned = [bench.queued() for _ in range(20)]
    await asyncio.gather(*(bench.deliverer.deliver(each, 1) for each in planned))
    assert sorted(letter.delivery_id for letter, _ in bench.channel.sent) == sorted(planned)
    assert {bench.row(each).state for each in planned} == {"accepted"}


async def test_what_fails_before_the_mark_is_tried_again(bench: Bench) -> None:
    planned = bench.queued()
    bench.channel.refusing = ChannelUnavailable("away")
    await bench.deliverer.deliver(planned, 1)
    row = bench.row(planned)
    assert (row.state, row.reason, row.handed_off_at) == ("retry_wait", "channel_unavailable", None)
    assert [tried.phase for tried in bench.attempts(planned)] == ["preparing"]


async def test_a_place_that_was_suppressed_meanwhile_gets_no_letter(bench: Bench) -> None:
    planned = bench.queued()
    lookup = vault().destination_lookup("email", PLACES["email"])
    bench.write(lambda conn: suppression.put(conn, "email", lookup, "stop", source="test", at=1))
    await bench.deliverer.deliver(planned, 1)
    row = bench.row(planned)
    assert (row.state, row.reason, row.token) == ("suppressed", "stop", None)
    assert bench.channel.sent == []
    assert bench.attempts(planned) == []


async def test_a_rejected_destination_fails_the_delivery(bench: Bench) -> None:
    planned = bench.queued()
    bench.channel.failing = DestinationRejected("no such user")
    await bench.deliverer.deliver(planned, 1)
    assert bench.row(planned).state == "failed"


async def test_an_answer_that_never_came_is_unknown_and_is_not_sent_again(bench: Bench) -> None:
    planned = bench.queued()
    bench.channel.failing = OutcomeUnknown("cut")
    await bench.deliverer.deliver(planned, 1)
    await bench.deliverer.deliver(planned, 1)
    assert bench.row(planned).state == "unknown"
    assert len(bench.channel.sent) == 1


@pytest.mark.parametrize(
    ("refusing", "failing", "state"),
    [(TypeError("ana@example.test"), None, "failed"), (None, TypeError("x"), "unknown")],
)
async def test_a_defect_stays_with_its_delivery_and_its_words_stay_out_of_the_log(
    bench: Bench, refusing: Exception | None, failing: Exception | None, state: str
) -> None:
    planned, other = bench.queued(), bench.queued()
    bench.channel.refusing, bench.channel.failing = refusing, failing
    with capture_logs() as logs:
        await bench.deliverer.deliver(planned, 1)
    bench.channel.refusing = bench.channel.failing = None
    await bench.deliverer.deliver(other, 1)
    assert (bench.row(planned).state, bench.row(planned).reason) == (state, "defect")
    assert bench.row(other).state == "accepted"
    (defect,) = [line for line in logs if line["event"] == attempt_log.DEFECT_CONTAINED]
    assert (defect["error"], defect["log_level"]) == ("TypeError", "error")
    assert "fake_channel.py" in defect["place"]
    assert "ana@example.test" not in str(logs)


async def test_content_that_cannot_be_read_fails_as_an_attempt(bench: Bench) -> None:
    planned = bench.queued()
    bench.write(lambda conn: conn.execute(update(notice).values(content=b"\xc1 not msgpack")))
    await bench.deliverer.deliver(planned, 1)
    assert (bench.row(planned).state, bench.row(planned).reason) == ("failed", "defect")
    assert len(bench.attempts(planned)) == 1


async def test_a_removed_contact_fails_as_an_attempt(bench: Bench) -> None:
    planned = bench.queued()
    bench.write(lambda conn: conn.execute(contact.delete()))
    await bench.deliverer.deliver(planned, 1)
    assert bench.row(planned).reason == "destination_rejected"


async def test_erased_words_are_not_sent(bench: Bench) -> None:
    planned = bench.queued()
    bench.write(lambda conn: conn.execute(update(notice).values(content=None)))
    await bench.deliverer.deliver(planned, 1)
    assert (bench.row(planned).state, bench.row(planned).reason) == ("cancelled", "erased")
    assert bench.channel.prepared == []


async def test_a_message_that_comes_after_the_deadline_expires(bench: Bench) -> None:
    planned = bench.queued(deadline_at=5)
    await bench.deliverer.deliver(planned, 1)
    assert (bench.row(planned).state, bench.row(planned).reason) == ("expired", "deadline")
    assert bench.channel.prepared == []


async def test_a_paused_switch_stops_even_a_letter_that_is_ready(bench: Bench) -> None:
    planned = bench.queued()
    bench.write(lambda conn: switch.pause(conn, reason=None, now=1))
    await bench.deliverer.deliver(planned, 1)
    assert len(bench.channel.prepared) == 1
    assert bench.channel.sent == []
    assert (bench.row(planned).state, bench.row(planned).attempts) == ("pending", 0)


async def test_a_claim_that_is_cancelled_meanwhile_sends_nothing(
    sqlite_database: Database,
) -> None:
    class Meddling(GroupCommit):
        """Cancels the delivery between claim and mark."""

        async def run(self, work: Work[W, T], wanted: W, *, urgent: bool = False) -> T:
            value = await super().run(work, wanted, urgent=urgent)
            with sqlite_database.begin() as conn:
                conn.execute(
                    update(delivery)
                    .where(delivery.c.state == "claimed")
                    .values(state="cancelled", token=None)
                )
            return value

    bench = Bench(sqlite_database, Meddling(sqlite_database))
    planned = bench.queued()
    await bench.deliverer.deliver(planned, 1)
    assert bench.channel.sent == []
    assert bench.row(planned).state == "cancelled"
    await bench.deliverer.close()


class Failing(GroupCommit):
    """Commits fail, each kind of move as often as told: 1 claim, 2 mark, 3 and later result."""

    def __init__(self, database: Database, failures: dict[int, Exception]) -> None:
        super().__init__(database)
        self.failures = failures
        self.moves = 0

    async def run(self, work: Work[W, T], wanted: W, *, urgent: bool = False) -> T:
        self.moves += 1
        error = self.failures.pop(self.moves, None)
        if error is not None:
            raise error
        return await super().run(work, wanted, urgent=urgent)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "_SETTLE_PAUSES_SECONDS", (0.0, 0.0))


@pytest.mark.parametrize(
    ("failing_moves", "state", "sent"),
    [
        ((1,), "queued", 0),
        ((2,), "claimed", 0),
        ((3, 4), "accepted", 1),
        ((3, 4, 5), "handed_off", 1),
    ],
)
async def test_a_database_that_is_away_leaves_the_row_to_the_sweeper(
    sqlite_database: Database,
    impatient: None,
    failing_moves: tuple[int, ...],
    state: str,
    sent: int,
) -> None:
    failures: dict[int, Exception] = {move: DatabaseLocked("busy") for move in failing_moves}
    bench = Bench(sqlite_database, Failing(sqlite_database, failures))
    planned = bench.queued()
    await bench.deliverer.deliver(planned, 1)
    assert bench.row(planned).state == state
    assert len(bench.channel.sent) == sent
    await bench.deliverer.close()


async def test_a_result_that_is_overtaken_is_said_and_changes_nothing(bench: Bench) -> None:
    planned = bench.queued()
    bench.channel.on_send = lambda: bench.write(
        lambda conn: conn.execute(update(delivery).values(state="pending", token=None))
    )
    with capture_logs() as logs:
        await bench.deliverer.deliver(planned, 1)
    assert bench.row(planned).state == "pending"
    assert [line["event"] for line in logs] == [attempt_log.ATTEMPT_OVERTAKEN]


async def test_logs_name_the_delivery_and_never_the_place(bench: Bench) -> None:
    planned = bench.queued()
    with capture_logs() as logs:
        await bench.deliverer.deliver(planned, 1)
    (line,) = logs
    assert line["event"] == attempt_log.ATTEMPT_SETTLED
    assert (line["delivery_id"], line["state"], line["attempt_number"]) == (
        str(planned),
        "accepted",
        1,
    )
    assert PLACES["email"] not in str(line)


@pytest.mark.parametrize(
    ("error", "event", "level"),
    [
        (ConnectionLost("gone"), deliver.DELIVERY_POSTPONED, "warning"),
        (LookupError("ours"), attempt_log.DEFECT_CONTAINED, "error"),
    ],
)
async def test_what_fails_around_an_attempt_is_said_and_ends_there(
    sqlite_database: Database, error: Exception, event: str, level: str
) -> None:
    bench = Bench(sqlite_database, Failing(sqlite_database, {1: error}))
    planned = bench.queued()
    with capture_logs() as logs:
        await bench.deliverer.deliver(planned, 1)
    assert [(line["event"], line["log_level"]) for line in logs] == [(event, level)]
    assert bench.row(planned).state == "queued"
    await bench.deliverer.close()


async def test_a_database_fault_while_reading_is_not_the_letters_fault(bench: Bench) -> None:
    planned = bench.queued()
    bench.write(lambda conn: conn.execute(text("ALTER TABLE contact RENAME TO elsewhere")))
    await bench.deliverer.deliver(planned, 1)
    assert (bench.row(planned).state, bench.attempts(planned)) == ("queued", [])


async def test_what_did_not_leave_gives_its_token_back(bench: Bench) -> None:
    pacing = Pacing(Paces(persons={"email": Pace(3_600_000_000, 1)}))
    deliverer = Deliverer(
        moves=bench.moves,
        letters=Letters(vault(), Renderer(), guests=EVERYBODY),
        channels={"email": bench.channel},
        lease_seconds=120,
        worker="w1",
        pacing=pacing,
    )
    bench.channel.refusing = ChannelUnavailable("away")
    planned = bench.queued()

    def spent() -> list[int]:
        with bench.database.read() as conn:
            return list(conn.scalars(select(rate_bucket.c.spent_until)))

    def take(conn: Connection) -> None:
        name = person_bucket("email", conn.scalars(select(contact.c.recipient_id)).one())
        want = Want(planned, (name,), urgent=True, deadline_at=2**60)
        decide(conn, [want], lambda _: Pace(3_600_000_000, 1), now=now_micros(), most=1)

    bench.write(take)
    (before,) = spent()
    await deliverer.deliver(planned, 1)
    assert spent() == [before - 3_600_000_000]


async def test_a_provider_that_asked_for_patience_meanwhile_gets_nothing(bench: Bench) -> None:
    planned = bench.queued()
    bench.write(lambda conn: hold(conn, "provider:fake", seconds=60, now=now_micros()))
    await bench.deliverer.deliver(planned, 1)
    row = bench.row(planned)
    assert (row.state, row.reason, row.attempts) == ("pending", "rate", 0)
    assert bench.channel.sent == []
