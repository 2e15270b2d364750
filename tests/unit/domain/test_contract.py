"""Contracts: contract-wide pauses, upgrades, gaps."""

from uuid import UUID

from domain import contract, facts, judgement
from domain.chain_order import APPLIED, NO_PARTIES, REPEATED, HistoryRevised
from domain.contract import CONTRACT_RULES, GapHealed, GapOpened, RangeFilled
from tests.fakes import chain

ID = UUID(int=2)


def given(*known, state=CONTRACT_RULES.initial, past=()):
    return judgement.decide(CONTRACT_RULES, ID, state, known, past=list(past))


def test_the_same_value_twice_is_repeated_not_refused():
    events, state = given(
        chain.contract_pause(1), chain.contract_pause(2), chain.contract_pause(3, value=False)
    )
    assert [event.verdict for event in events] == [APPLIED, REPEATED, APPLIED]
    assert (state.status, state.pause_count, state.paused_seconds) == ("active", 1, 10)
    assert CONTRACT_RULES.parties(state) == NO_PARTIES


def switched(ledger, switch, *, value=True):
    return facts.ContractPauseSet(**chain.place(ledger), paused=value, switch=switch)


def test_a_contract_with_two_switches_goes_on_when_neither_holds_it():
    story = [
        switched(1, "global"),
        switched(2, "protocol"),
        switched(3, "global", value=False),
        switched(4, "protocol", value=False),
    ]
    events, state = given(*story)
    assert [event.verdict for event in events] == [APPLIED, REPEATED, REPEATED, APPLIED]
    assert (state.status, state.holds, state.paused_seconds) == ("active", (), 15)
    _, held = given(*story[:3])
    assert (held.status, held.holds) == ("paused", ("protocol",))


def test_switches_learned_late_take_their_place():
    on_time, late = [switched(1, "a"), switched(4, "a", value=False)], [switched(2, "b")]
    events, state = given(*on_time)
    revised, after = given(*late, state=state, past=events)
    assert isinstance(revised[-1], HistoryRevised)
    assert (after.status, after.holds) == ("paused", ("b",))


def test_what_ran_at_a_place_is_told_by_the_upgrades_around_it():
    one = facts.ContractUpgraded(**chain.place(4), previous_wasm="aa", wasm="bb")
    two = facts.ContractUpgraded(**chain.place(8), previous_wasm="bb", wasm="cc")
    _, state = given(two, one)
    seen = [contract.wasm_at(state.upgrades, chain.contract_pause(n).chain_key) for n in (3, 5, 9)]
    assert (seen, state.wasm) == (["aa", "bb", "cc"], "cc")
    assert contract.wasm_at((), chain.contract_pause(3).chain_key) is None


def test_an_upgrade_changes_the_wasm():
    upgraded = facts.ContractUpgraded(**chain.place(4), previous_wasm="aa", wasm="bb")
    _, state = given(upgraded)
    assert state.wasm == "bb"


def _gap(version: int, low: int, high: int):
    return GapOpened(ID, version, chain.CONTRACT, low, high, noticed_at=0)


def _healed(version: int, low: int, high: int, by: str = "rpc-2"):
    return GapHealed(ID, version, chain.CONTRACT, low, high, by, noticed_at=0)


def test_healing_cuts_the_healed_ledgers_out_of_the_gap():
    state = contract.fold(None, [_gap(1, 10, 20), _healed(2, 13, 15)])
    assert [(gap.from_ledger, gap.to_ledger) for gap in state.gaps] == [(10, 12), (16, 20)]
    state = contract.fold(state, [_healed(3, 1, 12), _healed(4, 16, 99)])
    assert state.gaps == ()


def test_storage_heals_pauses_only():
    state = contract.fold(None, [_gap(1, 10, 20), _healed(2, 10, 20, by="storage")])
    assert [(gap.from_ledger, gap.to_ledger, gap.pauses_healed) for gap in state.gaps] == [
        (10, 20, True)
    ]


def test_gaps_stand_in_ledger_order_and_far_healing_leaves_them():
    state = contract.fold(None, [_gap(1, 50, 60), _gap(2, 10, 20), _healed(3, 30, 40)])
    assert [gap.from_ledger for gap in state.gaps] == [10, 50]


def test_a_revision_keeps_the_gaps():
    past, state = given(chain.contract_pause(5))
    gap = _gap(2, 2, 3)
    state = contract.evolve(state, gap)
    events, after = given(chain.contract_pause(2), state=state, past=[*past, gap])
    assert isinstance(events[-1], HistoryRevised)
    assert after.gaps == state.gaps
    assert contract.fold(None, [*past, gap, *events]) == after


def test_a_filled_range_changes_only_the_version():
    state = contract.fold(None, [RangeFilled(ID, 1, "job-1", chain.CONTRACT, 1, 9)])
    assert state == contract.ContractState(version=1)
    assert contract.fold(None, []) is None
