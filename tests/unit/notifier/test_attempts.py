"""One attempt from claim to result, each step a compare-and-set."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select, update

from notifier import attempts, ending, switch
from notifier.attempts import Claim, Mark, Message
from notifier.channels.channel import Receipt
from notifier.ending import End
from notifier.errors import ChannelUnavailable, CredentialsRefused, DestinationRejected, RateLimited
from notifier.result import PREPARING, SENDING, Result
from notifier.retry import NextStep, Outcome
from notifier.schema import delivery, provider_health
from store.engine import Database
from store.schema import notice_fact_outbox
from tests.fakes.planned import HOUR, attempt_rows, delivery_row, plan

NOW = 1_790_000_000_000_000
LEASE = 120_000_000


def queued(conn: Connection, **changes: Any) -> UUID:
    given: dict[str, Any] = {"state": "queued", "generation": 1, "deadline_at": NOW + HOUR}
    return plan(conn, **(given | changes))


def take(conn: Connection, planned: UUID, token: str = "t1", generation: int = 1) -> Claim | None:
    message = Message(planned, generation, token)
    (found,) = attempts.claim(conn, [message], now=NOW, lease_until=NOW + LEASE)
    return found


def held(conn: Connection, **changes: Any) -> Claim:
    claim = take(conn, queued(conn, **changes))
    assert claim is not None
    return claim


def mark(conn: Connection, claim: Claim, now: int = NOW + 5) -> bool:
    marks = [Mark(claim, "smtp")]
    (marked,) = attempts.hand_off(conn, marks, worker="w1", now=now, lease_until=now + LEASE)
    return marked


def result(phase: str = SENDING, error: Exception | None = None) -> Result:
    answer = error or Receipt(provider_message_id="m1", status_code=250)
    return Result(phase=phase, provider="smtp", worker="w1", ended_at=NOW + 9, answer=answer)


def settle(conn: Connection, claim: Claim, ended: Result) -> NextStep | None:
    (step,) = ending.settle(conn, [End(claim, ended, 0.5)])
    return step


def test_a_delivery_is_claimed_once(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        planned = queued(conn)
        first, second = take(conn, planned, "t1"), take(conn, planned, "t2")
        row = delivery_row(conn, planned)
    assert first is not None
    assert second is None
    assert (row.state, row.token, row.lease_until) == ("claimed", "t1", NOW + LEASE)
    assert first.attempt_number == 1


def test_a_message_of_an_earlier_queueing_claims_nothing(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        assert take(conn, queued(conn, generation=2), generation=1) is None


def test_the_hand_off_mark_is_the_attempt_row_and_the_state(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        assert mark(conn, claim)
        row = delivery_row(conn, claim.delivery_id)
        (tried,) = attempt_rows(conn, claim.delivery_id)
    assert (row.state, row.attempts, row.provider) == ("handed_off", 1, "smtp")
    assert row.handed_off_at == NOW + 5
    assert (tried.n, tried.phase, tried.result, tried.worker) == (1, SENDING, None, "w1")


def test_nothing_is_handed_off_twice_or_without_its_claim(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        assert mark(conn, claim)
        assert not mark(conn, claim)
        lost = held(conn)
        conn.execute(
            update(delivery)
            .where(delivery.c.delivery_id == lost.delivery_id)
            .values(state="pending", token=None)
        )
        assert not mark(conn, lost)
        assert attempt_rows(conn, lost.delivery_id) == []


def test_nothing_is_handed_off_when_the_lease_is_over(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        assert not mark(conn, held(conn), now=NOW + LEASE)


def test_nothing_is_handed_off_while_sending_is_paused(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        switch.pause(conn, reason="maintenance", now=NOW)
        assert not mark(conn, claim)
        switch.resume(conn, sqlite_database.bell, now=NOW)
        assert mark(conn, claim)


def test_a_receipt_makes_it_accepted_and_leaves_a_fact(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        mark(conn, claim)
        assert settle(conn, claim, result()) == NextStep("accepted")
        row = delivery_row(conn, claim.delivery_id)
        (tried,) = attempt_rows(conn, claim.delivery_id)
        facts = conn.execute(select(notice_fact_outbox.c.topic)).scalars().all()
    assert (row.state, row.provider_message_id, row.accepted_at) == ("accepted", "m1", NOW + 9)
    assert row.lease_until is None
    assert (tried.result, tried.status_code, tried.ended_at) == ("accepted", 250, NOW + 9)
    assert facts == ["notice.delivery_changed.1"]


def test_settling_twice_changes_nothing(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        mark(conn, claim)
        settle(conn, claim, result())
        assert settle(conn, claim, result(error=DestinationRejected("no"))) is None
        assert delivery_row(conn, claim.delivery_id).state == "accepted"


def test_a_late_answer_settles_what_the_sweeper_called_unknown(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        mark(conn, claim)
        conn.execute(update(delivery).values(state="unknown", lease_until=None))
        assert settle(conn, claim, result()) == NextStep("accepted")


def test_a_failure_before_the_mark_is_an_attempt_too(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        error = RateLimited("slow down", status_code=429, retry_after_seconds=7)
        assert settle(conn, claim, result(PREPARING, error)) == NextStep(
            "retry_wait", NOW + 9 + 7_000_000
        )
        row = delivery_row(conn, claim.delivery_id)
        (tried,) = attempt_rows(conn, claim.delivery_id)
    assert (row.state, row.reason, row.available_at) == (
        "retry_wait",
        "rate_limited",
        NOW + 9 + 7_000_000,
    )
    assert row.token is None
    assert (tried.n, tried.phase, tried.result) == (1, PREPARING, "not_sent")
    assert (tried.status_code, tried.retry_after_seconds, tried.handed_off_at) == (429, 7, None)


def test_waits_grow_with_the_tries_but_not_with_the_providers_faults(
    sqlite_database: Database,
) -> None:
    with sqlite_database.begin() as conn:
        planned = queued(conn)
        waits = []
        for error in (
            ChannelUnavailable("away"),
            CredentialsRefused("wrong password"),
            ChannelUnavailable("away"),
        ):
            conn.execute(
                update(delivery)
                .where(delivery.c.delivery_id == planned)
                .values(state="queued", generation=1)
            )
            claim = take(conn, planned)
            assert claim is not None
            step = settle(conn, claim, result(PREPARING, error))
            assert step is not None
            assert step.available_at is not None
            waits.append((step.available_at - NOW - 9) // 1_000_000)
        numbers = [tried.n for tried in attempt_rows(conn, planned)]
    assert waits == [5, 60, 30]
    assert numbers == [1, 2, 3]


def test_what_cannot_be_tried_before_its_deadline_expires(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn, deadline_at=NOW + 1000)
        assert settle(conn, claim, result(PREPARING, ChannelUnavailable("x"))) == NextStep(
            "expired"
        )
        row = delivery_row(conn, claim.delivery_id)
    assert (row.state, row.reason) == ("expired", "deadline")


def test_a_rejected_destination_fails_for_good(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        mark(conn, claim)
        settle(
            conn, claim, result(error=DestinationRejected("no such user", enhanced_code="5.1.1"))
        )
        row = delivery_row(conn, claim.delivery_id)
        (tried,) = attempt_rows(conn, claim.delivery_id)
    assert (row.state, row.reason) == ("failed", "destination_rejected")
    assert (tried.result, tried.enhanced_code, tried.detail) == (
        "rejected",
        "5.1.1",
        "no such user",
    )


@pytest.mark.parametrize(
    ("phase", "state", "outcome"),
    [(PREPARING, "failed", Outcome.DEFECT), (SENDING, "unknown", Outcome.UNKNOWN)],
)
def test_a_defect_is_contained_and_its_words_are_not_kept(
    sqlite_database: Database, phase: str, state: str, outcome: Outcome
) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        if phase == SENDING:
            mark(conn, claim)
        ended = result(phase, KeyError("ana@example.test"))
        step = settle(conn, claim, ended)
        row = delivery_row(conn, claim.delivery_id)
        (tried,) = attempt_rows(conn, claim.delivery_id)
    assert step == NextStep(state)
    assert (row.state, row.reason) == (state, "defect")
    assert (tried.result, tried.detail) == (outcome.value, "KeyError")


def test_results_move_the_providers_health(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        settle(conn, held(conn), result(PREPARING, CredentialsRefused("no")))
        assert conn.scalar(select(provider_health.c.state)) == "open"
        claim = held(conn)
        mark(conn, claim)
        settle(conn, claim, result())
        assert conn.scalar(select(provider_health.c.state)) == "closed"


def test_a_claim_can_be_put_back_unsent(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        assert attempts.put_back(conn, claim, now=NOW + 1)
        row = delivery_row(conn, claim.delivery_id)
        assert not attempts.put_back(conn, claim, now=NOW + 1)
    assert (row.state, row.token, row.lease_until, row.attempts) == ("pending", None, None, 0)


@pytest.mark.parametrize(
    ("reason", "state"),
    [("deadline", "expired"), ("erased", "cancelled"), ("stop", "suppressed")],
)
def test_a_claim_can_be_withdrawn(sqlite_database: Database, reason: str, state: str) -> None:
    with sqlite_database.begin() as conn:
        claim = held(conn)
        assert attempts.withdraw(conn, claim, to=state, reason=reason, now=NOW + 1)
        row = delivery_row(conn, claim.delivery_id)
    assert (row.state, row.reason) == (state, reason)
