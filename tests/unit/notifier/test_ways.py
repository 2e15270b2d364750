"""One channel at a time: which one is first, what is held for later, what is left for when one fails."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.escalation_settings import EscalationSettings, read_step
from notifier.places import MICROS, ONE_PLACE, Place, PlannedDelivery, inbox_delivery, sent_delivery
from notifier.preferences import Preferences, Quiet
from notifier.states import HELD, PENDING
from notifier.ways import DEFAULT_ORDER, STEP_UNTIL_DELIVERED, STEP_UNTIL_READ, Ways, order_of

NOW = 1_790_000_000_000_000
NOTICE = UUID(int=1)
FRESH = {"email": 86_400, "push": 3_600, "sms": 1_800}
WAYS = Ways(one_by_one=True, steps={"email": 900, "sms": 7_200})


def rows(
    *channels: str, kind: str = "paused", suppressed: tuple[str, ...] = ()
) -> list[PlannedDelivery]:
    places = [
        Place(each, ONE_PLACE, UUID(int=n), "stop" if each in suppressed else None)
        for n, each in enumerate(channels)
    ]
    return [
        inbox_delivery(NOTICE, kind, NOW),
        *(
            sent_delivery(
                NOTICE, kind, place, deadline_at=NOW + FRESH[place.channel] * MICROS, now=NOW
            )
            for place in places
        ),
    ]


def planned(
    given_rows: list[PlannedDelivery],
    preferences: Preferences = Preferences(),  # noqa: B008 # frozen
    *,
    ways: Ways = WAYS,
    kind: str = "paused",
) -> dict[str, tuple[str, int, str | None]]:
    found = ways.planned(given_rows, preferences, kind, freshness=FRESH, now=NOW)
    return {
        each.channel: (each.state, (each.available_at - NOW) // MICROS, each.purpose)
        for each in found
    }


def test_all_at_once_changes_nothing() -> None:
    given_rows = rows("push", "email", "sms")
    assert (
        Ways().planned(given_rows, Preferences(), "paused", freshness=FRESH, now=NOW) == given_rows
    )


def test_the_first_channel_is_told_at_once_the_others_at_their_steps() -> None:
    assert planned(rows("sms", "email", "push")) == {
        "in_app": ("delivered", 0, None),
        "push": (PENDING, 0, None),
        "email": (HELD, 900, STEP_UNTIL_READ),
        "sms": (HELD, 7_200, STEP_UNTIL_READ),
    }


def test_news_that_does_not_matter_waits_for_a_failure_only() -> None:
    found = planned(rows("email", "push", kind="resumed"), kind="resumed")
    assert set(found) == {"in_app", "push"}


def test_a_channel_without_a_step_waits_for_a_failure_only() -> None:
    assert set(planned(rows("push", "sms"), ways=Ways(one_by_one=True))) == {"in_app", "push"}


def test_a_channel_that_cannot_be_told_gives_way_and_says_so() -> None:
    found = planned(rows("push", "email", "sms", suppressed=("push",)))
    assert found["push"][0] == "suppressed"
    assert found["email"] == (PENDING, 0, None)
    assert found["sms"] == (HELD, 7_200, STEP_UNTIL_READ)


def test_every_device_of_the_first_channel_is_told() -> None:
    both = [
        sent_delivery(
            NOTICE, "paused", Place("push", str(n), UUID(int=n)), deadline_at=2 * NOW, now=NOW
        )
        for n in (1, 2)
    ]
    found = WAYS.planned(both, Preferences(), "paused", freshness=FRESH, now=NOW)
    assert found == both


def test_a_person_may_choose_otherwise() -> None:
    all_three = rows("push", "email", "sms")
    at_once = planned(all_three, Preferences(one_by_one=False))
    assert {state for state, _, _ in at_once.values()} == {"delivered", PENDING}
    own = planned(
        all_three, Preferences(one_by_one=True, order=("sms",)), ways=Ways(steps=WAYS.steps)
    )
    assert own["sms"] == (PENDING, 0, None)
    assert own["email"] == (HELD, 900, STEP_UNTIL_READ)
    assert "push" not in own


def test_a_step_does_not_ring_at_night() -> None:
    night = Preferences(quiet=Quiet(0, 24 * 60 - 1))
    found = planned(rows("email", "sms"), night)
    state, at, purpose = found["sms"]
    assert (state, purpose) == (HELD, STEP_UNTIL_READ)
    assert at > 7_200


def test_a_step_is_fresh_from_when_its_time_comes() -> None:
    found = WAYS.planned(rows("push", "sms"), Preferences(), "paused", freshness=FRESH, now=NOW)
    (step,) = [each for each in found if each.channel == "sms"]
    assert step.deadline_at == NOW + (7_200 + FRESH["sms"]) * MICROS


def test_a_confirmation_may_end_steps() -> None:
    found = planned(
        rows("push", "email"), ways=Ways(one_by_one=True, steps={"email": 9}, until_delivered=True)
    )
    assert found["email"][2] == STEP_UNTIL_DELIVERED


@given(st.permutations(["push", "email", "sms"]), st.sets(st.sampled_from(DEFAULT_ORDER)))
def test_whatever_the_order_one_channel_is_told_first_if_any_can(
    arrival: list[str], suppressed: set[str]
) -> None:
    found = planned(rows(*arrival, suppressed=tuple(suppressed)))
    pending = [channel for channel, (state, _, _) in found.items() if state == PENDING]
    able = [each for each in DEFAULT_ORDER if each not in suppressed]
    assert pending == able[:1]


def test_who_names_no_channel_has_the_deployments_order() -> None:
    assert order_of(Preferences()) == DEFAULT_ORDER
    assert order_of(Preferences(order=("sms",))) == ("sms", "push", "email")


@pytest.mark.parametrize("text", ["email", "email=0", "fax=5", "email=-1", "email=05"])
def test_a_step_is_a_channel_and_minutes(text: str) -> None:
    with pytest.raises(ValidationError, match="email=15"):
        EscalationSettings(steps=(text,))


def test_a_channel_has_one_step() -> None:
    with pytest.raises(ValidationError, match="once"):
        EscalationSettings(steps=("email=5", "email=6"))
    assert read_step("sms=120") == ("sms", 120)
