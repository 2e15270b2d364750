"""The relay: what is queued, in which order, how many, and when not."""

import threading
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select, update

from notifier import circuit, switch
from notifier.errors import BrokerUnavailable, CredentialsRefused
from notifier.relay import QUEUE_LEASE_SECONDS, Relay, RelayOptions
from notifier.schema import delivery, provider_health
from store.engine import Database
from tests.fakes.planned import HOUR, delivery_row, plan

NOW = 1_790_000_000_000_000
PROVIDERS = {"email": "smtp", "sms": "twilio"}


class Broker:
    def __init__(self) -> None:
        self.messages: list[tuple[str, UUID, int]] = []
        self.away = False

    def enqueue(self, channel: str, delivery_id: UUID, generation: int) -> None:
        if self.away:
            raise BrokerUnavailable("ConnectionClosed")
        self.messages.append((channel, delivery_id, generation))


@pytest.fixture
def broker() -> Broker:
    return Broker()


def relay(database: Database, broker: Broker, queue_limit: int = 4, name: str = "r1") -> Relay:
    options = RelayOptions(
        name=name, providers=PROVIDERS, queue_limit=queue_limit, poll_seconds=0.01
    )
    return Relay(database, broker.enqueue, options, clock=lambda: NOW)


def due(conn: Connection, channel: str = "email", **changes: Any) -> UUID:
    return plan(conn, channel, **({"available_at": NOW, "deadline_at": NOW + HOUR} | changes))


def test_a_due_delivery_becomes_one_message(sqlite_database: Database, broker: Broker) -> None:
    with sqlite_database.begin() as conn:
        planned = due(conn)
    assert relay(sqlite_database, broker).step() == 1
    assert broker.messages == [("email", planned, 1)]
    with sqlite_database.read() as conn:
        row = delivery_row(conn, planned)
    assert (row.state, row.generation, row.queued_at, row.token) == ("queued", 1, NOW, "r1")
    assert row.lease_until == NOW + QUEUE_LEASE_SECONDS * 1_000_000
    assert relay(sqlite_database, broker).step() == 0


def test_a_step_that_finds_nothing_due_asks_for_no_write(
    sqlite_database: Database, broker: Broker
) -> None:
    stepped: list[int] = []
    step = threading.Thread(
        target=lambda: stepped.append(relay(sqlite_database, broker).step()), daemon=True
    )
    with sqlite_database.begin() as conn:
        due(conn, channel="push")  # the one writer there is has not ended
        step.start()
        step.join(20)
        assert stepped == [0]


@pytest.mark.parametrize(
    "changes",
    [
        {"available_at": NOW + 1},
        {"deadline_at": NOW},
        {"state": "held"},
        {"state": "unknown"},
        {"channel": "push"},  # no provider is configured for it
    ],
)
def test_what_is_not_due_stays(
    sqlite_database: Database, broker: Broker, changes: dict[str, Any]
) -> None:
    with sqlite_database.begin() as conn:
        due(conn, **{"channel": "email"} | changes)
    assert relay(sqlite_database, broker).step() == 0
    assert broker.messages == []


def test_urgent_ones_go_first_then_those_that_waited_longest(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        later = due(conn, priority=1, available_at=NOW - 9)
        young = due(conn, available_at=NOW - 1)
        old = due(conn, available_at=NOW - 5, state="retry_wait")
    steps = relay(sqlite_database, broker, queue_limit=1)
    for _ in range(3):
        steps.step()
        with sqlite_database.begin() as conn:
            conn.execute(
                update(delivery).where(delivery.c.state == "queued").values(state="claimed")
            )
    assert [message[1] for message in broker.messages] == [old, young, later]


def test_queues_are_kept_short_and_refilled_at_half(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        for _ in range(10):
            due(conn)
    steps = relay(sqlite_database, broker, queue_limit=4)
    assert steps.step() == 4
    assert steps.step() == 0
    claimed = select(delivery.c.delivery_id).where(delivery.c.state == "queued").limit(1)
    moves = update(delivery).where(delivery.c.delivery_id.in_(claimed.scalar_subquery()))
    with sqlite_database.begin() as conn:
        conn.execute(moves.values(state="claimed"))
    assert steps.step() == 0
    with sqlite_database.begin() as conn:
        conn.execute(moves.values(state="claimed"))
    assert steps.step() == 2


def test_queues_that_stay_full_are_looked_at_less_and_less_often(
    sqlite_database: Database, broker: Broker
) -> None:
    class Stop(threading.Event):
        """Notes how long is waited; after the fourth wait there is room, after the fifth it is time."""

        def __init__(self) -> None:
            super().__init__()
            self.waits: list[float] = []

        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            self.waits.append(timeout)
            if len(self.waits) == 4:
                with sqlite_database.begin() as conn:
                    conn.execute(update(delivery).values(state="claimed"))
                    for _ in range(4):
                        due(conn)
            elif len(self.waits) == 5:
                self.set()
            return self.is_set()

    with sqlite_database.begin() as conn:
        for _ in range(4):
            due(conn, state="queued")
    stop = Stop()
    relay(sqlite_database, broker).run(stop)
    first, *longer, longest, anew = stop.waits
    assert first < longer[0] < longest == longer[-1]
    assert anew == first
    assert len(broker.messages) == 4


def test_a_full_queue_holds_up_no_other_channel(sqlite_database: Database, broker: Broker) -> None:
    with sqlite_database.begin() as conn:
        for _ in range(6):
            due(conn)
    steps = relay(sqlite_database, broker)
    steps.step()
    with sqlite_database.begin() as conn:
        message = due(conn, "sms")
    assert steps.step() == 1
    assert broker.messages[-1] == ("sms", message, 1)


def test_nothing_is_queued_while_sending_is_paused(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        due(conn)
        switch.pause(conn, reason=None, now=NOW)
    steps = relay(sqlite_database, broker)
    assert steps.step() == 0
    with sqlite_database.begin() as conn:
        switch.resume(conn, sqlite_database.bell, now=NOW)
    assert steps.step() == 1


def test_an_open_breaker_holds_its_provider_back_and_then_tries_one(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        for channel in ("email", "email", "email", "sms"):
            due(conn, channel)
        circuit.note_fault(conn, "smtp", CredentialsRefused("x"), NOW)
    relay(sqlite_database, broker).step()
    assert [message[0] for message in broker.messages] == ["sms"]
    with sqlite_database.begin() as conn:
        conn.execute(update(provider_health).values(next_try_at=NOW))
    relay(sqlite_database, broker).step()
    assert [message[0] for message in broker.messages] == ["sms", "email"]


def test_a_letter_that_is_always_refused_does_not_keep_the_breaker_open(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        due(conn, state="retry_wait", attempts=3, available_at=NOW - 9)
        untried = due(conn, priority=2)
        circuit.note_fault(conn, "smtp", CredentialsRefused("x"), 0)
    relay(sqlite_database, broker).step()
    assert broker.messages == [("email", untried, 1)]


def test_a_breaker_keeps_its_try_until_there_is_a_letter(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        circuit.note_fault(conn, "smtp", CredentialsRefused("x"), 0)
    assert relay(sqlite_database, broker).step() == 0
    with sqlite_database.begin() as conn:
        due(conn)
    assert relay(sqlite_database, broker).step() == 1
    with sqlite_database.begin() as conn:
        due(conn)
    assert relay(sqlite_database, broker).step() == 0


def test_a_broker_that_is_away_costs_no_delivery(sqlite_database: Database, broker: Broker) -> None:
    with sqlite_database.begin() as conn:
        planned = due(conn)
    broker.away = True
    steps = relay(sqlite_database, broker)
    assert steps.step() == 0
    with sqlite_database.read() as conn:
        assert delivery_row(conn, planned).state == "pending"
    broker.away = False
    steps.step()
    assert broker.messages == [("email", planned, 2)]


def test_taking_back_touches_only_what_this_relay_queued(
    sqlite_database: Database, broker: Broker
) -> None:
    with sqlite_database.begin() as conn:
        due(conn)
    mine = relay(sqlite_database, broker)
    mine.step()
    assert relay(sqlite_database, broker, name="r2").take_back() == 0
    assert mine.take_back() == 1
    assert mine.step() == 1


def test_it_runs_until_it_is_told_to_stop(sqlite_database: Database, broker: Broker) -> None:
    stop = threading.Event()
    with sqlite_database.begin() as conn:
        for _ in range(9):
            due(conn)
    thread = threading.Thread(
        target=relay(sqlite_database, broker, queue_limit=4).run, args=(stop,)
    )
    thread.start()
    for _ in range(200):
        with sqlite_database.begin() as conn:
            conn.execute(
                update(delivery).where(delivery.c.state == "queued").values(state="claimed")
            )
        if len(broker.messages) == 9:
            break
        stop.wait(0.01)
    stop.set()
    thread.join(5)
    assert len({message[1] for message in broker.messages}) == 9
