"""Pause intervals out of histories."""

from domain import chain_order, facts
from domain.contract import CONTRACT_RULES
from domain.intervals import intervals
from domain.stream import STREAM_RULES
from tests.fakes import chain


def of(*known, rules=STREAM_RULES):
    placed = [chain_order.Placed(fact, fact.event_id) for fact in known]
    return intervals(chain_order.walk(rules, placed))


def test_an_open_pause_has_no_end():
    (pause,) = of(chain.created(1), chain.paused(2))
    assert pause.id == pause.start_event_id == chain.paused(2).event_id
    assert (pause.resumed_at, pause.ended_by, pause.duration_seconds) == (None, None, None)


def test_a_closed_pause_says_how_long_and_by_what():
    first, second = of(
        chain.created(1), chain.paused(2), chain.resumed(4), chain.paused(5), chain.cancelled(6)
    )
    assert (first.duration_seconds, first.ended_by) == (10, "resumed")
    assert (second.duration_seconds, second.ended_by) == (5, "cancelled")
    assert second.end_event_id == chain.cancelled(6).event_id


def test_first_met_by_resumed_was_paused_since_an_unknown_time():
    (pause,) = of(chain.resumed(4))
    assert (pause.start_known, pause.paused_at, pause.duration_seconds) == (False, None, None)
    assert pause.id == pause.end_event_id


def test_refused_facts_make_no_interval():
    assert of(chain.created(1), chain.resumed(2)) == []
    assert len(of(chain.paused(1), chain.paused(2))) == 1


def test_a_state_found_in_storage_without_a_time_has_an_unknown_start():
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
    (pause,) = of(fact, chain.resumed(10))
    assert (pause.start_known, pause.paused_at, pause.duration_seconds) == (False, None, None)
    assert pause.id == fact.event_id


def test_contract_wide_pauses_read_the_same_way():
    (pause,) = of(
        chain.contract_pause(1), chain.contract_pause(3, value=False), rules=CONTRACT_RULES
    )
    assert pause.duration_seconds == 10
