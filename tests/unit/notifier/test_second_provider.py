"""A second provider takes at once what the first one provably did not, and nothing that it may have."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, update

from notifier import circuit, switch
from notifier.buckets import hold, provider_bucket
from notifier.channels.channel import Letter
from notifier.channels.several import Several
from notifier.deliver import Deliverer
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationRejected,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    SenderRefused,
)
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.limits import Pace
from notifier.pacing import Paces, Pacing
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.schema import delivery, provider_health
from notifier.sweep import Sweeper
from store.engine import Database
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import HOUR, attempt_rows, delivery_row, plan, vault

NOW = 1_790_000_000_000_000
SECOND = 1_000_000


class Bench:
    """Two providers behind one channel, a relay and a deliverer, on a clock that the test moves."""

    def __init__(self, database: Database, paces: Paces | None = None) -> None:
        self.database = database
        self.now = NOW
        self.first, self.second = FakeChannel(provider="one"), FakeChannel(provider="two")
        channel = Several("email", (self.first, self.second))
        pacing = Pacing(paces or Paces())
        self.messages: list[tuple[UUID, int]] = []
        self.deliverer = Deliverer(
            moves=GroupCommit(database),
            letters=Letters(vault(), Renderer(), guests=EVERYBODY),
            channels={"email": channel},
            lease_seconds=120,
            worker="w",
            pacing=pacing,
            clock=lambda: self.now,
        )
        options = RelayOptions(
            name="r",
            providers={"email": channel.provider},
            queue_limit=100,
            poll_seconds=1,
            pacing=pacing,
        )
        self.relay = Relay(
            database,
            lambda _, planned, generation: self.messages.append((planned, generation)),
            options,
            clock=lambda: self.now,
        )

    def planned(self, **changes: Any) -> UUID:
        with self.database.begin() as conn:
            return plan(conn, **({"available_at": NOW, "deadline_at": NOW + HOUR} | changes))

    async def turn(self, times: int = 1) -> None:
        """Relay and deliver what is due, so many times."""
        for _ in range(times):
            self.messages.clear()
            self.relay.step()
            for planned, generation in list(self.messages):
                await self.deliverer.deliver(planned, generation)

    def row(self, planned: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, planned)

    def tries(self, planned: UUID) -> list[tuple[str, str]]:
        with self.database.read() as conn:
            return [(each.provider, each.result) for each in attempt_rows(conn, planned)]

    def write(self, change: Any) -> None:
        with self.database.begin() as conn:
            change(conn)


@pytest.fixture
async def bench(sqlite_database: Database) -> AsyncIterator[Bench]:
    made = Bench(sqlite_database)
    yield made
    await made.deliverer.close()
    assert made.first.closed
    assert made.second.closed


async def test_the_first_provider_carries_while_it_is_well(bench: Bench) -> None:
    planned = bench.planned()
    await bench.turn()
    assert bench.tries(planned) == [("one", "accepted")]
    assert bench.row(planned).provider == "one"


PROVEN = (
    ChannelUnavailable("refused"),
    Deferred("450"),
    RateLimited("429", retry_after_seconds=600),
    CredentialsRefused("535"),
    SenderRefused("550 5.7.1"),
    Permanent("554 content"),
)


@pytest.mark.parametrize("error", PROVEN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("after_the_mark", [False, True])
async def test_what_is_proven_not_sent_goes_to_the_second_at_once(
    bench: Bench,
    error: DeliveryError,
    after_the_mark: bool,  # noqa: FBT001 # a case of the table
) -> None:
    planned = bench.planned()
    if after_the_mark:
        bench.first.failing = error
    else:
        bench.first.refusing = error
    await bench.turn(2)
    assert [provider for provider, _ in bench.tries(planned)] == ["one", "two"]
    row = bench.row(planned)
    assert (row.state, row.provider) == ("accepted", "two")
    assert bench.now == NOW


@pytest.mark.parametrize(
    ("error", "state"),
    [(OutcomeUnknown("cut"), "unknown"), (TypeError("x"), "unknown")],
)
async def test_what_may_have_left_never_goes_to_the_second(
    bench: Bench, error: Exception, state: str
) -> None:
    planned = bench.planned()
    bench.first.failing = error
    await bench.turn(3)
    bench.now += HOUR
    await bench.turn(3)
    assert bench.row(planned).state == state
    assert bench.second.prepared == []


async def test_what_may_have_left_leaves_again_by_the_provider_that_may_have_it(
    bench: Bench,
) -> None:
    planned = bench.planned()
    bench.first.failing = OutcomeUnknown("cut")
    await bench.turn()
    bench.first.failing = None
    again = {"state": "pending", "reason": "resent", "possible_duplicate": True}
    bench.write(lambda conn: conn.execute(update(delivery).values(again)))
    await bench.turn()
    assert bench.tries(planned) == [("one", "unknown"), ("one", "accepted")]
    assert bench.row(planned).possible_duplicate


async def test_a_place_that_is_refused_would_be_refused_again(bench: Bench) -> None:
    planned = bench.planned()
    bench.first.failing = DestinationRejected("550 5.1.1")
    await bench.turn(3)
    assert bench.row(planned).state == "failed"
    assert bench.second.prepared == []


async def test_an_open_breaker_costs_no_try_and_the_first_is_taken_back(bench: Bench) -> None:
    bench.write(lambda conn: circuit.note_fault(conn, "one", CredentialsRefused("x"), NOW))
    planned = bench.planned()
    await bench.turn()
    assert bench.tries(planned) == [("two", "accepted")]
    bench.now += 31 * SECOND
    back = [bench.planned() for _ in range(2)]
    await bench.turn()
    tries = [bench.tries(each) for each in back]
    assert [("one", "accepted")] in tries  # the one that found out
    later = bench.planned()
    await bench.turn()
    assert bench.tries(later) == [("one", "accepted")]


async def test_a_provider_that_asked_for_patience_leaves_letters_to_the_second(
    bench: Bench,
) -> None:
    bench.write(lambda conn: hold(conn, provider_bucket("one"), seconds=60, now=NOW))
    planned = bench.planned()
    await bench.turn()
    assert bench.tries(planned) == [("two", "accepted")]


async def test_when_both_refuse_the_letter_waits_as_for_a_lone_provider(bench: Bench) -> None:
    planned = bench.planned()
    bench.first.refusing = bench.second.refusing = ChannelUnavailable("away")
    await bench.turn(5)
    assert [provider for provider, _ in bench.tries(planned)] == ["one", "two"]
    row = bench.row(planned)
    assert row.state == "retry_wait"
    assert NOW + 4 * SECOND <= row.available_at <= NOW + 6 * SECOND
    bench.first.refusing = None
    bench.now = row.available_at
    await bench.turn()
    assert bench.row(planned).state == "accepted"
    assert bench.tries(planned)[-1] == ("one", "accepted")


async def test_the_first_is_not_tried_again_at_once_where_the_second_is_sick(bench: Bench) -> None:
    bench.write(lambda conn: circuit.note_fault(conn, "two", CredentialsRefused("x"), NOW))
    planned = bench.planned()
    bench.first.refusing = ChannelUnavailable("away")
    await bench.turn(5)
    assert bench.tries(planned) == [("one", "not_sent")]
    bench.first.refusing = None
    bench.now = bench.row(planned).available_at
    assert bench.now == NOW + 5 * SECOND
    await bench.turn()
    assert bench.tries(planned)[-1] == ("one", "accepted")


async def test_both_sick_costs_no_try(bench: Bench) -> None:
    for provider in ("one", "two"):
        bench.write(
            lambda conn, sick=provider: circuit.note_fault(conn, sick, CredentialsRefused("x"), NOW)
        )
    planned = bench.planned()
    await bench.turn()
    row = bench.row(planned)
    assert (row.state, row.reason, row.attempts) == ("pending", "circuit_open", 0)
    assert row.available_at == NOW + 30 * SECOND


async def test_who_is_only_slow_is_not_left_for_the_second(sqlite_database: Database) -> None:
    bench = Bench(sqlite_database, Paces(providers={"one": Pace(60 * SECOND, 1)}))
    for _ in range(3):
        bench.planned()
    await bench.turn()
    assert (len(bench.first.sent), len(bench.second.sent)) == (1, 0)
    bench.now += 60 * SECOND
    await bench.turn()
    assert (len(bench.first.sent), len(bench.second.sent)) == (2, 0)
    await bench.deliverer.close()


async def test_a_try_that_a_dead_worker_left_is_not_made_by_the_second(bench: Bench) -> None:
    planned = bench.planned()
    bench.write(
        lambda conn: conn.execute(
            update(delivery).values(state="handed_off", lease_until=NOW - 1, provider="one")
        )
    )
    Sweeper(bench.database, sweep_seconds=1, clock=lambda: bench.now).step()
    await bench.turn(2)
    assert bench.row(planned).state == "unknown"
    assert bench.second.prepared == []


async def test_many_letters_at_once_are_each_sent_once(bench: Bench) -> None:
    planned = [bench.planned() for _ in range(30)]
    bench.first.refusing = ChannelUnavailable("away")
    for _ in range(3):
        bench.messages.clear()
        bench.relay.step()
        await asyncio.gather(*(bench.deliverer.deliver(*message) for message in bench.messages))
    assert bench.first.sent == []
    assert sorted(letter.delivery_id for letter, _ in bench.second.sent) == sorted(planned)
    with bench.database.read() as conn:
        states = {row.provider: row.state for row in conn.execute(provider_health.select())}
    assert states["one"] == "open"


async def test_a_paused_switch_stops_the_second_as_well(bench: Bench) -> None:
    planned = bench.planned()
    bench.first.refusing = ChannelUnavailable("away")
    await bench.turn()

    def pause(conn: Connection) -> None:
        switch.pause(conn, reason=None, now=NOW)

    bench.write(pause)
    await bench.turn(2)
    assert bench.row(planned).state == "retry_wait"
    assert bench.second.sent == []


LETTER = Letter(
    delivery_id=UUID(int=1),
    thread="t",
    subject="s",
    text="t",
    html=None,
    planned_at=NOW,
    deadline_at=NOW + HOUR,
)


async def test_who_knows_no_gate_reaches_the_first_that_can_be_reached() -> None:
    first, second = FakeChannel(provider="one"), FakeChannel(provider="two")
    both = Several("email", (first, second))
    async with both.prepare(LETTER, "ana@example.test") as handover:
        await handover.send()
    first.refusing = ChannelUnavailable("away")
    async with both.prepare(LETTER, "ana@example.test") as handover:
        await handover.send()
    assert (len(first.sent), len(second.sent)) == (1, 1)
    second.refusing = ChannelUnavailable("away too")
    with pytest.raises(ChannelUnavailable, match="away too"):
        async with both.prepare(LETTER, "ana@example.test"):
            pass
    assert both.behind("two") == both.behind("nobody") == ()
    assert both.behind("one") == (second,)
