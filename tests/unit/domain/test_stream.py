"""Streams: given facts, when another arrives, then this verdict and this state."""

from uuid import UUID

import pytest

from domain import facts, judgement, stream
from domain.chain_order import APPLIED, REPEATED, FactConfirmed, FactJudged, HistoryRevised
from domain.errors import HistoryMissing
from domain.stream import STREAM_RULES
from domain.values import I128, I128_MAX, U64_MAX
from tests.fakes import chain

ID = UUID(int=1)


def given(*known: facts.Fact, state=STREAM_RULES.initial, past=(), job=None):
    return judgement.decide(STREAM_RULES, ID, state, known, past=list(past), job=job)


def verdicts(events):
    return [event.verdict for event in events if isinstance(event, FactJudged)]


@pytest.mark.parametrize(
    ("before", "fact", "verdict"),
    [
        ([], chain.created(1), APPLIED),
        ([], chain.paused(1), APPLIED),
        ([], chain.resumed(1), APPLIED),
        ([], chain.cancelled(1), APPLIED),
        ([chain.created(1)], chain.created(2), stream.ALREADY_CREATED),
        ([chain.created(1)], chain.resumed(2), stream.NOT_PAUSED),
        ([chain.created(1), chain.paused(2)], chain.paused(3), stream.ALREADY_PAUSED),
        ([chain.created(1), chain.paused(2)], chain.cancelled(3), APPLIED),
        ([chain.cancelled(1)], chain.paused(2), stream.ALREADY_CANCELLED),
        ([chain.cancelled(1)], chain.cancelled(2), stream.ALREADY_CANCELLED),
        ([chain.cancelled(1)], chain.transferred(2), stream.ALREADY_CANCELLED),
    ],
)
def test_a_fact_is_judged_against_what_is_known(before, fact, verdict):
    events, _ = given(*before, fact)
    assert verdicts(events)[-1] == verdict


def status_stated(ledger: int, status: str):
    return facts.StatusStated(**chain.place(ledger), stream_id=7, status=status)


def test_a_cancelled_stream_may_still_be_withdrawn_from_and_stated_cancelled():
    withdrawn = facts.StreamWithdrawn(
        **chain.place(2), stream_id=7, account=chain.EMPLOYEE, amount=I128(5)
    )
    events, state = given(chain.cancelled(1), withdrawn, status_stated(3, "cancelled"))
    assert verdicts(events) == [APPLIED, APPLIED, REPEATED]
    assert state.status == "cancelled"


def test_an_exhausted_stream_wakes_by_a_top_up_or_by_the_chains_own_pause():
    top_up = facts.StreamToppedUp(**chain.place(3), stream_id=7, account=None, amount=I128(1))
    _, state = given(chain.created(1), status_stated(2, "exhausted"), top_up)
    assert state.status == "active"
    events, state = given(chain.created(1), status_stated(2, "exhausted"), chain.paused(3))
    assert (verdicts(events)[-1], state.status) == (APPLIED, "paused")


def test_a_top_up_of_a_paused_stream_leaves_it_paused():
    top_up = facts.StreamToppedUp(**chain.place(3), stream_id=7, account=None, amount=I128(1))
    _, state = given(chain.created(1), chain.paused(2), top_up)
    assert state.status == "paused"


def test_refused_facts_keep_their_place_in_the_tip_and_change_nothing_else():
    _, before = given(chain.created(1))
    _, after = given(chain.created(1), chain.resumed(9))
    assert after.tip == chain.resumed(9).chain_key
    assert (after.status, after.status_at) == (before.status, before.status_at)


def test_parties_follow_transfers_and_accepted_employers():
    proposed = facts.EmployerProposed(
        **chain.place(3), stream_id=7, employer=chain.EMPLOYER, proposed=chain.OTHER
    )
    accepted = facts.EmployerAccepted(
        **chain.place(4), stream_id=7, previous=chain.EMPLOYER, employer=chain.OTHER
    )
    events, state = given(chain.created(1), chain.transferred(2), proposed, accepted)
    assert (state.employer, state.employee, state.proposed_employer) == (
        chain.OTHER,
        chain.OTHER,
        None,
    )
    assert events[2].employer == chain.EMPLOYER


def test_a_pause_without_parties_keeps_the_known_ones():
    bare = facts.StreamPaused(**chain.place(2), stream_id=7)
    events, _ = given(chain.created(1), bare)
    assert (events[1].employer, events[1].employee) == (chain.EMPLOYER, chain.EMPLOYEE)


def test_totals_count_closed_pauses_with_a_known_start():
    first = (chain.created(1), chain.paused(2), chain.resumed(4))
    _, state = given(*first, chain.paused(6), chain.cancelled(7))
    assert (state.pause_count, state.paused_seconds) == (2, 15)


def test_a_stream_first_met_by_resumed_counts_no_pause():
    _, state = given(chain.resumed(5))
    assert (state.status, state.pause_count, state.paused_seconds) == ("active", 0, 0)


def test_extremes_of_64_and_128_bits_pass_unchanged():
    fact = facts.StreamCreated(
        **chain.place(1), stream_id=U64_MAX, employer=None, employee=None, rate=I128(I128_MAX)
    )
    changed = facts.RateChanged(
        **chain.place(2), stream_id=U64_MAX, previous_rate=I128(I128_MAX), rate=I128(-I128_MAX)
    )
    _, state = given(fact, changed)
    assert state.rate == -I128_MAX


def test_flapping_in_one_ledger_is_folded_in_event_order():
    events, state = given(
        chain.created(1), chain.resumed(2, 1), chain.paused(2, 0), chain.paused(2, 2)
    )
    assert verdicts(events) == [APPLIED] * 4
    assert (state.status, state.pause_count) == ("paused", 2)


def test_a_late_fact_is_recorded_late_and_one_revision_carries_the_state():
    past, state = given(chain.created(1), chain.paused(5))
    events, after = given(chain.paused(2), chain.resumed(3), state=state, past=past)
    assert [type(event) for event in events] == [FactJudged, FactJudged, HistoryRevised]
    assert all(event.late for event in events[:2])
    revision = events[2]
    assert revision.since == chain.paused(2).chain_key
    assert revision.before == revision.after
    assert (after.pause_count, after.paused_seconds, after.status) == (2, 5, "paused")


def test_a_late_fact_can_overturn_a_refusal():
    past, state = given(chain.created(1), chain.resumed(5))
    assert past[1].verdict == stream.NOT_PAUSED
    events, after = given(chain.paused(3), state=state, past=past, job="job-1")
    assert after.status == "active"
    assert after.paused_seconds == 10
    assert events[-1].job == "job-1"


def test_late_and_timely_facts_of_one_slice_are_ordered_late_revision_rest():
    past, state = given(chain.created(1), chain.paused(5))
    events, after = given(chain.resumed(8), chain.transferred(2), state=state, past=past)
    assert [type(event) for event in events] == [FactJudged, HistoryRevised, FactJudged]
    assert [event.originator_version for event in events] == [3, 4, 5]
    assert after.employee == chain.EMPLOYEE, "the pause at 5 names the employee again"
    assert after.status == "active"


def test_late_facts_without_the_past_are_an_error_not_a_guess():
    _, state = given(chain.created(1), chain.paused(5))
    with pytest.raises(HistoryMissing, match="1 late facts"):
        judgement.decide(STREAM_RULES, ID, state, [chain.resumed(3)])


def test_an_event_that_tells_what_storage_told_confirms_it():
    past, state = given(chain.created(1), chain.stored_pause(4, at=0))
    assert state.status_cause.startswith("storage:")
    events, after = given(chain.paused(4), state=state, past=past)
    assert [type(event) for event in events] == [FactConfirmed, HistoryRevised]
    assert events[0].storage_id == state.status_cause
    assert after.status_event_id == chain.paused(4).event_id
    assert after.status_cause == state.status_cause, "its notices keep the storage key"
    assert after.unconfirmed == ()
    assert after.pause_count == 1


def test_two_storage_pauses_of_one_second_are_confirmed_one_by_one():
    past, state = given(
        chain.created(1),
        chain.stored_pause(4, 0, at=0),
        chain.stored_pause(4, 0, at=1, is_pause=False),
        chain.stored_pause(4, 1, at=2),
    )
    events, after = given(chain.paused(4, 0), chain.paused(4, 2), state=state, past=past)
    confirmed = [event.storage_id for event in events if isinstance(event, FactConfirmed)]
    assert [each[-1] for each in confirmed] == ["0", "1"]
    assert [mark.topic for mark in after.unconfirmed] == ["stream.resumed.1"]


def test_a_state_without_a_time_starts_a_pause_of_unknown_start():
    fact = facts.StatusStated(
        event_id=f"storage:{chain.CONTRACT}:7:status=paused:9",
        closed_at=chain.GENESIS,
        ledger=9,
        tx_hash="",
        order="~~status",
        contract_id=chain.CONTRACT,
        stream_id=7,
        status="paused",
    )
    _, state = given(fact, chain.resumed(10))
    assert (state.pause_count, state.paused_seconds) == (0, 0)


def test_the_fold_by_version_equals_the_state_decided():
    past, state = given(chain.created(1), chain.paused(5))
    events, after = given(chain.resumed(3), chain.transferred(7), state=state, past=past)
    assert stream.fold(None, [*past, *events]) == after
    assert stream.fold(None, []) is None
