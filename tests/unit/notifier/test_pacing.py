"""Pacing as relays and workers meet it: buckets that processes share, and patience that was asked for."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, update

from notifier import attempts, buckets, ending, patience
from notifier.attempts import Claim, Mark, Message
from notifier.buckets import RATE, provider_bucket, rate_bucket, site_bucket
from notifier.channels.channel import Receipt
from notifier.channels.push_services import PushServices
from notifier.drafts import Ready
from notifier.ending import End
from notifier.errors import (
    ChannelUnavailable,
    Deferred,
    DestinationRejected,
    RateLimited,
    Throttled,
)
from notifier.gate import Gate, Postponed
from notifier.limits import Pace, at_most
from notifier.pacing import Paces, Pacing
from notifier.relay import Relay, RelayOptions
from notifier.result import PREPARING, SENDING, Result
from notifier.schema import contact, delivery
from notifier.sites import domain_lookup, site_lookup
from notifier.sweep import Sweeper
from store.engine import Database
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.planned import HOUR, delivery_row, plan, plan_many, vault

NOW = 1_790_000_000_000_000
SECOND = 1_000_000
PROVIDERS = {"email": "smtp", "sms": "twilio", "webhook": "webhook"}


class Outbox:
    """Relays of one deployment over one database, on a clock that the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.queued: list[UUID] = []

    def relay(self, paces: Paces, name: str = "r1", queue_limit: int = 100) -> Relay:
        options = RelayOptions(
            name=name,
            providers=PROVIDERS,
            queue_limit=queue_limit,
            poll_seconds=0.01,
            pacing=Pacing(paces),
        )
        return Relay(
            self.database,
            lambda _, planned, __: self.queued.append(planned),
            options,
            clock=lambda: self.now,
        )

    def mails(self, *places: str, **changes: Any) -> list[UUID]:
        given = {"available_at": NOW, "deadline_at": NOW + HOUR} | changes
        with self.database.begin() as conn:
            return plan_many(conn, list(places), **given)

    def row(self, planned: UUID) -> Any:
        with self.database.read() as conn:
            return delivery_row(conn, planned)


@pytest.fixture
def outbox(sqlite_database: Database) -> Outbox:
    return Outbox(sqlite_database)


def domain(most: int) -> Paces:
    return Paces(domain=at_most(most, 60))


def test_a_full_domain_waits_and_holds_up_no_other(outbox: Outbox) -> None:
    slow = outbox.mails(*[f"p{n}@slow.test" for n in range(600)])
    (other,) = outbox.mails("ana@other.test", priority=2)
    outbox.relay(domain(2), queue_limit=4).step()
    assert other in outbox.queued
    assert sum(each in slow for each in outbox.queued) == 1
    waiting = outbox.row(next(each for each in slow if each not in outbox.queued))
    assert (waiting.state, waiting.reason) == ("pending", RATE)
    assert waiting.available_at > NOW


def test_who_waited_leaves_at_its_turn(outbox: Outbox) -> None:
    first, second = outbox.mails("ana@slow.test", "ben@slow.test")
    relay = outbox.relay(domain(1))
    relay.step()
    (waiting,) = {first, second} - set(outbox.queued)
    outbox.now = outbox.row(waiting).available_at - 1
    relay.step()
    assert waiting not in outbox.queued
    outbox.now += 1
    relay.step()
    assert waiting in outbox.queued
    assert outbox.now == NOW + 60 * SECOND


def test_an_urgent_one_that_comes_later_has_the_next_turn(outbox: Outbox) -> None:
    patient = outbox.mails(*[f"p{n}@slow.test" for n in range(5)], priority=1)
    relay = outbox.relay(domain(1))
    relay.step()
    (urgent,) = outbox.mails("boss@slow.test", priority=0)
    relay.step()
    outbox.now = NOW + 60 * SECOND
    relay.step()
    assert outbox.queued[1] == urgent
    assert set(outbox.queued) - {urgent} < set(patient)


def test_processes_share_a_bucket(outbox: Outbox) -> None:
    outbox.mails(*[f"p{n}@slow.test" for n in range(20)])
    for name in ("r1", "r2", "r3"):
        outbox.relay(domain(10), name=name).step()
    assert len(outbox.queued) == 5


def test_a_named_domain_has_its_own_limit(outbox: Outbox) -> None:
    outbox.mails(*[f"p{n}@slow.test" for n in range(9)], *[f"p{n}@free.test" for n in range(9)])
    own = {
        domain_lookup(vault(), "slow.test"): at_most(2, 60),
        domain_lookup(vault(), "free.test"): None,
    }
    outbox.relay(Paces(domain=at_most(4, 60), domains=own)).step()
    assert len(outbox.queued) == 1 + 9


def test_a_provider_has_a_pace(outbox: Outbox) -> None:
    outbox.mails(*[f"p{n}@d{n}.test" for n in range(9)])
    outbox.relay(Paces(providers={"smtp": Pace(SECOND, 3)})).step()
    assert len(outbox.queued) == 3


def test_a_person_is_told_so_many_an_hour_then_in_the_inbox_only(outbox: Outbox) -> None:
    (first,) = outbox.mails("ana@example.test")
    with outbox.database.begin() as conn:
        place = delivery_row(conn, first).contact_id
        again = [
            plan(conn, contact_id=place, available_at=NOW, deadline_at=NOW + 30 * 60 * SECOND)
            for _ in range(2)
        ]
    outbox.relay(Paces(persons={"email": Pace(HOUR, 1)})).step()
    assert len(outbox.queued) == 1
    left = [outbox.row(each) for each in (first, *again) if each not in outbox.queued]
    assert {row.reason for row in left} == {RATE}
    assert "expired" in {row.state for row in left}


def test_tokens_come_back_when_nothing_was_sent(outbox: Outbox) -> None:
    outbox.mails("ana@slow.test")
    relay = outbox.relay(domain(1))
    relay.step()
    assert relay.take_back() == 1
    relay.step()
    assert len(outbox.queued) == 2
    outbox.now += HOUR // 2
    sweeper = Sweeper(
        outbox.database,
        sweep_seconds=1,
        pacing=Pacing(domain(1)),
        providers=PROVIDERS,
        clock=lambda: outbox.now,
    )
    sweeper.step()
    relay.step()
    assert len(outbox.queued) == 3


def test_a_token_given_back_is_a_token(outbox: Outbox) -> None:
    (sent,) = outbox.mails("ana@slow.test")
    relay = outbox.relay(domain(1))
    relay.step()
    with outbox.database.begin() as conn:
        Pacing(domain(1)).give_back(conn, [delivery_row(conn, sent)], PROVIDERS, NOW)
    (other,) = outbox.mails("ben@slow.test")
    relay.step()
    assert outbox.queued == [sent, other]


def ended(error: Exception | None, *, phase: str = SENDING, provider: str = "smtp") -> Result:
    answer = error or Receipt(provider_message_id="m1")
    return Result(phase=phase, provider=provider, worker="w", ended_at=NOW, answer=answer)


def claimed(conn: Connection, planned: UUID) -> Claim:
    conn.execute(
        update(delivery)
        .where(delivery.c.delivery_id == planned)
        .values(state="queued", generation=1)
    )
    (held,) = attempts.claim(conn, [Message(planned, 1, "t")], now=NOW, lease_until=NOW + HOUR)
    assert held is not None
    return held


def settle(outbox: Outbox, planned: UUID, result: Result) -> None:
    with outbox.database.begin() as conn:
        held = claimed(conn, planned)
        if result.phase == SENDING:
            marks = [Mark(held, result.provider)]
            assert all(attempts.hand_off(conn, marks, worker="w", now=NOW, lease_until=NOW + HOUR))
        assert all(ending.settle(conn, [End(held, result, 0.5)]))


@pytest.mark.parametrize(
    ("error", "held_back"),
    [
        (RateLimited("429", retry_after_seconds=70), {"same", "other"}),
        (RateLimited("429"), {"same", "other"}),
        (Deferred("503", retry_after_seconds=70), {"same", "other"}),
        (Deferred("450 4.7.1 greylisted"), set()),
        (Throttled("421 4.7.28"), {"same"}),
        (ChannelUnavailable("x"), set()),
        (DestinationRejected("x"), set()),
        (None, set()),
    ],
)
def test_patience_that_is_asked_for_holds_all_that_it_concerns(
    outbox: Outbox, error: Exception | None, held_back: set[str]
) -> None:
    asked, same, other = outbox.mails("ana@slow.test", "ben@slow.test", "cyd@other.test")
    settle(outbox, asked, ended(error))
    outbox.relay(Paces()).step()
    waits = {
        name for name, planned in (("same", same), ("other", other)) if planned not in outbox.queued
    }
    assert waits == held_back
    for name in waits:
        assert outbox.row({"same": same, "other": other}[name]).reason == RATE


def test_a_held_provider_is_free_again_when_the_time_is_over(outbox: Outbox) -> None:
    asked, other = outbox.mails("ana@slow.test", "cyd@other.test")
    settle(outbox, asked, ended(RateLimited("429", retry_after_seconds=70)))
    relay = outbox.relay(Paces())
    relay.step()
    assert outbox.queued == []
    outbox.now = NOW + 70 * SECOND
    relay.step()
    assert other in outbox.queued


def held_for(outbox: Outbox, planned: UUID, error: Exception | None) -> int:
    """Seconds that its site is held for once its attempt has ended so, now."""
    settle(outbox, planned, replace(ended(error), ended_at=outbox.now))
    with outbox.database.read() as conn:
        until = conn.scalar(select(func.max(buckets.rate_bucket.c.held_until)))
    return max(0, (until or 0) - outbox.now) // SECOND


def test_who_asks_for_patience_again_has_it_longer_until_it_takes_something(
    outbox: Outbox,
) -> None:
    slow = Throttled("451 4.3.0")
    asked = outbox.mails(*(f"p{number}@slow.test" for number in range(9)))
    (elsewhere,) = outbox.mails("cyd@other.test")
    holds = []
    for planned, error in zip(asked, (slow, slow, slow, None, slow, slow), strict=False):
        holds.append(held_for(outbox, planned, error))
        outbox.now += 601 * SECOND
        if planned == asked[1]:
            assert held_for(outbox, elsewhere, None) == 0  # another site's word
    assert holds == [10, 20, 40, 0, 10, 20]


def test_what_was_under_way_when_patience_was_asked_for_ends_no_hold(outbox: Outbox) -> None:
    slow = Throttled("451 4.3.0")
    asked = outbox.mails(*(f"p{number}@slow.test" for number in range(4)))
    assert held_for(outbox, asked[0], slow) == 10
    outbox.now += SECOND
    assert held_for(outbox, asked[1], None) == 9
    outbox.now += 60 * SECOND
    assert held_for(outbox, asked[2], slow) == 20


def test_another_channel_is_not_held(outbox: Outbox) -> None:
    (asked,) = outbox.mails("ana@slow.test")
    (text,) = outbox.mails("+15550100001", channel="sms")
    settle(outbox, asked, ended(RateLimited("429", retry_after_seconds=70)))
    outbox.relay(Paces()).step()
    assert outbox.queued == [text]


def test_many_answers_of_one_moment_are_one_strike(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        untils = [buckets.hold(conn, "provider:x", seconds=None, now=NOW) for _ in range(5)]
        assert set(untils) == {NOW + 10 * SECOND}
        again = buckets.hold(conn, "provider:x", seconds=None, now=NOW + 10 * SECOND)
        assert again == NOW + 30 * SECOND
        much_later = NOW + 2 * HOUR
        assert (
            buckets.hold(conn, "provider:x", seconds=None, now=much_later)
            == much_later + 10 * SECOND
        )


def test_nobody_asks_for_more_than_an_hour(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        assert buckets.hold(conn, "provider:x", seconds=604_800, now=NOW) == NOW + HOUR
        assert buckets.hold(conn, "provider:x", seconds=1, now=NOW) == NOW + HOUR


def test_a_receiver_that_asks_for_patience_holds_its_own_webhooks(outbox: Outbox) -> None:
    hooks = [UUID(int=1), UUID(int=2)]
    with outbox.database.begin() as conn:
        planned = [
            plan(
                conn,
                "webhook",
                endpoint=str(hook),
                contact_id=hook,
                available_at=NOW,
                deadline_at=NOW + HOUR,
            )
            for hook in hooks
        ]
        patience.heed(
            conn,
            ended(RateLimited("429", retry_after_seconds=70), provider="webhook"),
            channel="webhook",
            place=hooks[0],
        )
    relay = outbox.relay(Paces())
    relay.step()
    assert outbox.queued == [planned[1]]
    outbox.now += 70 * SECOND
    relay.step()
    assert outbox.queued == [planned[1], planned[0]]


def test_a_throttling_site_that_is_not_known_holds_nothing(outbox: Outbox) -> None:
    asked, other = outbox.mails("ana@slow.test", "cyd@other.test")
    with outbox.database.begin() as conn:
        conn.execute(update(contact).values(site_lookup=None))
    settle(outbox, asked, ended(Throttled("421 4.7.28")))
    with outbox.database.begin() as conn:
        patience.heed(conn, ended(Throttled("x")), channel="email", place=None)
    outbox.relay(Paces()).step()
    assert outbox.queued == [other]


def gate_of(paces: Paces, *services: str) -> tuple[Gate, PushServices, FakeChannel]:
    push = PushServices({name: FakeChannel(provider=name) for name in services})
    mail = FakeChannel(provider="smtp")
    return Gate({"push": push, "email": mail}, Pacing(paces)), push, mail


def ready(destination: str, site: str = "") -> Ready:
    return Ready(None, destination, site)  # type: ignore[arg-type] # the gate reads no letter


def test_a_worker_looks_once_more_for_who_asked_for_patience(outbox: Outbox) -> None:
    gate, _, mail = gate_of(Paces())
    (planned,) = outbox.mails("ana@slow.test")
    site = site_lookup(vault(), "email", "ana@slow.test")
    with outbox.database.begin() as conn:
        held = claimed(conn, planned)
        assert gate.way(conn, held, ready("ana@slow.test", site), NOW) is mail
        buckets.hold(conn, site_bucket("email", site), seconds=5, now=NOW)
        assert gate.way(conn, held, ready("ana@slow.test", site), NOW) == Postponed(
            NOW + 5 * SECOND, RATE
        )
        assert gate.way(conn, held, ready("ben@other.test", "other"), NOW) is mail


def test_each_push_service_has_its_own_pace_and_patience(outbox: Outbox) -> None:
    gate, push, _ = gate_of(Paces(providers={"ntfy": Pace(SECOND, 1)}), "ntfy", "gotify")
    with outbox.database.begin() as conn:
        held = claimed(conn, plan(conn, "push", deadline_at=NOW + HOUR))
        ntfy, gotify = ready("ntfy:pausewire-ana"), ready("gotify:Axxxxxxxxxx")
        assert gate.way(conn, held, ntfy, NOW) is push.services["ntfy"]
        assert gate.way(conn, held, ntfy, NOW) == Postponed(NOW + SECOND, RATE)
        assert gate.way(conn, held, gotify, NOW) is push.services["gotify"]
        buckets.hold(conn, provider_bucket("gotify"), seconds=9, now=NOW)
        assert gate.way(conn, held, gotify, NOW) == Postponed(NOW + 9 * SECOND, RATE)


def test_what_says_nothing_any_more_is_forgotten(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        assert buckets.forget(conn, NOW) == 0
        buckets.hold(conn, "provider:x", seconds=5, now=NOW)
        assert buckets.forget(conn, NOW + HOUR) == 0
        assert buckets.forget(conn, NOW + 2 * HOUR) == 1
        assert conn.execute(select(rate_bucket)).all() == []


@pytest.mark.parametrize(
    "result",
    [
        ended(None),
        ended(ChannelUnavailable("x")),
        ended(Throttled("x"), phase=PREPARING),
    ],
)
def test_what_left_or_was_counted_used_a_token(result: Result) -> None:
    assert not patience.nothing_left(result)


def test_what_ended_before_the_hand_off_used_none() -> None:
    assert patience.nothing_left(ended(ChannelUnavailable("x"), phase=PREPARING))
