"""Given streams, when called, then these events or a refusal."""

import pytest
from stellar_sdk import scval as sdk

from simulator.calls import Call
from simulator.errors import CallRefused
from simulator.state import Status

I128_MAX = 2**127 - 1


def native(event):
    """Topics and value as plain Python."""
    plain = [sdk.to_native(topic) for topic in event.topics], sdk.to_native(event.value)
    return [_plain(each) for each in plain[0]], _plain(plain[1])


def _plain(value):
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return getattr(value, "address", value)


def own_events(world, ledger):
    return [
        native(event)
        for transaction in ledger.transactions
        for event in transaction.events
        if event.contract_id == world.cast.contract_id
    ]


def snapshot(world):
    state = world.chain.contract.state
    histories = {number: list(history) for number, history in state.histories.items() if history}
    return state.config, dict(state.streams), histories, dict(state.pending_employers)


def refused(world, *calls):
    """The refusal's words; asserts that nothing at all changed."""
    before = snapshot(world)
    with pytest.raises(CallRefused) as refusal:
        world.chain.contract.execute(calls, now=world.now, ledger=world.chain.latest.sequence)
    assert snapshot(world) == before
    return str(refusal.value)


def test_created_tells_parties_rate_and_fee(world):
    employer, employee = world.cast.employers[0], world.cast.employees[0]
    assert own_events(world, world.close(world.create())) == [
        (["created", 1], [employer, employee, 1_000, 0])
    ]


def test_a_fee_is_collected_from_the_deposit_and_can_be_withdrawn(world):
    world.close(world.admin("set_protocol_fee", 100))
    created, fee = own_events(world, world.close(world.create(deposit=1_000_000)))
    assert created[1][3] == 100
    assert fee == (["fee_col", 1], [10_000, world.cast.treasury])
    assert world.streams[1].deposit == 990_000
    ledger = world.close(world.admin("withdraw_fees", world.cast.treasury))
    assert own_events(world, ledger) == [
        (["fee_wdr"], [world.cast.admin, 10_000, world.cast.treasury])
    ]
    assert refused(world, world.admin("withdraw_fees", world.cast.treasury)) == "no fees"
    assert "E011" in refused(world, world.admin("set_protocol_fee", 101))


def test_pause_and_resume_tell_the_stored_parties_and_the_close_time(world):
    world.close(world.create())
    parties = [world.cast.employers[0], world.cast.employees[0]]
    paused = world.close(world.call("pause_stream"))
    assert own_events(world, paused) == [(["paused", 1], [*parties, paused.closed_at])]
    assert world.streams[1].status is Status.PAUSED
    resumed = world.close(world.call("resume_stream"))
    assert own_events(world, resumed) == [(["resumed", 1], [*parties, resumed.closed_at])]
    assert world.streams[1].status is Status.ACTIVE


def test_paused_time_earns_nothing_after_the_resume(world):
    world.close(world.create())
    world.close(world.call("pause_stream"))
    world.close(world.call("resume_stream"))
    assert world.streams[1].claimable(world.now) == 5 * 1_000


def test_a_delegate_may_pause_and_is_not_named_in_the_event(world):
    world.close(world.create(), world.create())
    delegate = world.cast.treasury
    ledger = world.close(world.call("set_delegate", 1, delegate))
    assert own_events(world, ledger) == [(["delegate", 1], delegate)]
    ledger = world.close(Call("pause_stream", (delegate, 1)))
    assert own_events(world, ledger)[0][1][0] == world.cast.employers[0]
    ledger = world.close(world.call("set_delegate", 1, None))
    assert own_events(world, ledger) == [(["delegate", 1], None)]
    assert refused(world, Call("resume_stream", (delegate, 1))) == "not authorized"


def test_a_stream_is_not_paused_twice_nor_resumed_twice(world):
    world.close(world.create())
    assert "E017" in refused(world, world.call("resume_stream"))
    world.close(world.call("pause_stream"))
    assert "E016" in refused(world, world.call("pause_stream"))


def test_an_ended_stream_stays_ended(world):
    world.close(world.create())
    world.close(world.call("cancel_stream"))
    for function in ("pause_stream", "cancel_stream"):
        assert refused(world, world.call(function))
    assert refused(world, world.call("resume_stream")) == "stream not paused"
    assert "E005" in refused(world, world.call("top_up", 1, 5))
    assert refused(world, world.call("update_rate", 1, 5)) == "stream not active"


def test_cancelled_from_paused_splits_the_deposit_without_a_resume(world):
    world.close(world.create(deposit=100_000, rate=1_000))
    world.close(world.call("pause_stream"))
    ledger = world.close(world.call("cancel_stream"))
    parties = [world.cast.employers[0], world.cast.employees[0]]
    # ten seconds earned: the contract counts paused time until a resume takes it out
    assert own_events(world, ledger) == [(["cancelled", 1], [*parties, 90_000, 10_000])]
    assert world.streams[1].status is Status.CANCELLED


def test_reclaim_needs_the_stop_time_and_stores_exhausted(world):
    world.close(world.create(stop_time=world.now + 12))
    assert refused(world, world.call("reclaim_expired")) == "stream has not expired"
    world.close()
    ledger = world.close(world.call("reclaim_expired"))
    assert world.kinds(ledger) == ["cancelled"]
    assert world.streams[1].status is Status.EXHAUSTED


def test_withdraw_pays_what_is_earned_and_warns_before_the_end(world):
    world.close(world.create(deposit=100_000, rate=1_000))
    employee = world.cast.employees[0]
    ledger = world.close(Call("withdraw", (employee, 1)))
    assert own_events(world, ledger) == [
        (["withdraw", 1], [employee, 5_000]),
        (["nearexhst", 1], [world.cast.employers[0], 1]),
    ]
    assert refused(world, Call("withdraw", (world.cast.employers[0], 1))) == "not authorized"


def test_withdraw_warns_seven_days_ahead(world):
    world.close(world.create(deposit=1_000 * 3 * 24 * 3600, rate=1_000))
    ledger = world.close(Call("withdraw", (world.cast.employees[0], 1)))
    assert own_events(world, ledger)[-1] == (["nearexhst", 1], [world.cast.employers[0], 7])


def test_the_last_withdrawal_exhausts_the_stream_and_says_nothing_of_it(world):
    world.close(world.create(deposit=10_000, rate=10_000))
    ledger = world.close(Call("withdraw", (world.cast.employees[0], 1)))
    assert world.kinds(ledger) == ["withdraw"]
    assert world.streams[1].status is Status.EXHAUSTED
    assert own_events(world, world.close(Call("withdraw", (world.cast.employees[0], 1)))) == []


def test_top_up_and_rate_change_tell_the_amounts(world):
    world.close(world.create())
    ledger = world.close(world.call("top_up", 1, 77), world.call("update_rate", 1, I128_MAX))
    assert own_events(world, ledger) == [
        (["topup", 1], [world.cast.employers[0], 77]),
        (["ratechng", 1], [1_000, I128_MAX]),
    ]
    assert "E002" in refused(world, world.call("top_up", 1, 0))
    assert "overflow" in refused(world, world.call("top_up", 1, I128_MAX))


def test_the_employee_changes_by_transfer(world):
    world.close(world.create())
    old, new = world.cast.employees[:2]
    ledger = world.close(Call("transfer_stream", (old, 1, new)))
    assert own_events(world, ledger) == [(["transfer", 1], [old, new])]
    assert world.streams[1].employee == new
    assert "E010" in refused(world, Call("transfer_stream", (new, 1, world.cast.employers[0])))


def test_the_employer_changes_only_when_the_proposed_one_accepts(world):
    world.close(world.create())
    old, new = world.cast.employers[:2]
    assert "E013" in refused(world, Call("accept_employer_transfer", (new, 1)))
    ledger = world.close(Call("propose_employer_transfer", (old, 1, new)))
    assert own_events(world, ledger) == [(["emp_prop", 1], [old, new])]
    assert world.streams[1].employer == old
    ledger = world.close(Call("accept_employer_transfer", (new, 1)))
    assert own_events(world, ledger) == [(["emp_acc", 1], [old, new])]
    assert refused(world, Call("pause_stream", (old, 1))) == "not authorized"


def test_the_whole_contract_pauses_and_says_so_again_when_it_already_is(world):
    world.close(world.create())
    again = world.close(world.admin("pause_contract"), world.admin("pause_contract"))
    assert own_events(world, again) == [(["paused"], True), (["paused"], True)]
    assert refused(world, world.create(1)) == "contract is paused"
    assert refused(world, Call("withdraw", (world.cast.employees[0], 1))) == "contract is paused"
    # pausing a stream does not look at the contract's flag
    assert world.kinds(world.close(world.call("pause_stream"))) == ["paused"]
    assert own_events(world, world.close(world.admin("unpause_contract"))) == [(["paused"], False)]


def test_the_multisig_pause_is_silent(world):
    assert own_events(world, world.close(world.admin("multisig_emergency_pause"))) == []
    assert world.chain.contract.state.config.paused


def test_an_upgrade_is_the_hosts_system_event(world):
    old, new = world.chain.contract.state.config.wasm_hash, "ab" * 32
    ledger = world.close(world.admin("upgrade", new))
    event = ledger.transactions[0].events[0]
    assert event.type == "system"
    topics, value = native(event)
    executables = [["Wasm", bytes.fromhex(old)], ["Wasm", bytes.fromhex(new)]]
    assert topics == ["executable_update", *executables]
    assert value == []


def test_a_proposal_has_an_id_that_is_no_streams(world):
    ledger = world.close(world.admin("propose_parameter", 5))
    assert own_events(world, ledger) == [(["propcreat", 1], 1)]


def test_only_the_admin_administers(world):
    employer = world.cast.employers[0]
    for function in ("pause_contract", "unpause_contract"):
        assert refused(world, Call(function, (employer,))) == "not authorized"


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"deposit": 9_999}, "E007"),
        ({"deposit": I128_MAX + 1}, "E007"),
        ({"rate": 0}, "E001"),
        ({"stop_time": 5}, "E016"),
    ],
)
def test_terms_that_make_no_stream_are_refused(world, terms, words):
    assert words in refused(world, world.create(**terms))


def test_the_parties_of_a_stream_differ(world):
    employer = world.cast.employers[0]
    call = Call("create_stream", (employer, employer, world.cast.token_id, 10_000, 1, 0))
    assert "E010" in refused(world, call)


def test_the_highest_id_is_imported_once_and_does_not_disturb_the_counter(world):
    terms = world.create().arguments
    call = Call("import_stream", (*terms, 2**64 - 1))
    assert own_events(world, world.close(call))[0][0] == ["created", 2**64 - 1]
    assert refused(world, call) == "stream exists"
    assert own_events(world, world.close(world.create()))[0][0] == ["created", 1]


def test_a_transaction_is_all_or_nothing(world):
    world.close(world.create(), world.create())
    words = refused(world, world.call("pause_stream", 1), world.call("resume_stream", 2))
    assert "E017" in words
    first, second = world.call("pause_stream", 1), Call("pause_stream", (world.cast.treasury, 2))
    assert refused(world, first, second) == "missing authorization"
    assert refused(world, Call("pause_stream", (world.cast.admin, 99))) == "stream not found"


def test_a_refused_proposal_is_forgotten(world):
    world.close(world.create())
    old, new = world.cast.employers[:2]
    proposal = Call("propose_employer_transfer", (old, 1, new))
    refused(world, proposal, Call("resume_stream", (old, 1)))
    assert "E013" in refused(world, Call("accept_employer_transfer", (new, 1)))


def test_money_moves_by_the_tokens_own_events(world):
    ledger = world.close(world.create(deposit=10_000))
    token_event = ledger.transactions[0].events[0]
    assert token_event.contract_id == world.cast.token_id
    topics, value = native(token_event)
    assert topics[:3] == ["transfer", world.cast.employers[0], world.cast.contract_id]
    assert value == 10_000


def test_nothing_is_claimable_before_the_cliff_or_after_the_end(world):
    import msgspec

    world.close(world.create(stop_time=world.now + 15))
    stream = world.streams[1]
    assert stream.claimable(world.now + 1_000) == 10 * 1_000
    assert msgspec.structs.replace(stream, cliff_time=world.now + 50).claimable(world.now + 1) == 0
    assert msgspec.structs.replace(stream, status=Status.EXHAUSTED).claimable(world.now + 9) == 0
