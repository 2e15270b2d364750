"""The truth file, and what it makes of a history."""

from simulator.calls import Call
from simulator.chain import Chain
from simulator.truth import ExpectedPause, expected, read_truth


def truth_of(tmp_path, world, *ledgers):
    with Chain(
        seed=1, streams=8, passphrase="test", genesis_at=world.now, state_dir=tmp_path
    ) as chain:
        world.chain = chain
        for make in ledgers:
            world.close(*make())
    return read_truth(tmp_path / "truth.ndjson")


def test_a_line_has_place_kind_and_the_parties_after_the_event(tmp_path, world):
    new = world.cast.employees[1]
    lines = truth_of(
        tmp_path,
        world,
        lambda: [world.create()],
        lambda: [Call("transfer_stream", (world.cast.employees[0], 1, new))],
    )
    created, transferred = lines
    assert created["kind"] == "created"
    assert created["rate"] == "1000"
    assert created["employee"] == world.cast.employees[0]
    ledger = world.chain.latest
    event = ledger.transactions[0].events[0]
    assert transferred == {
        "event_id": event.event_id,
        "ledger": ledger.sequence,
        "closed_at": ledger.closed_at,
        "tx_hash": ledger.transactions[0].hash,
        "contract_id": world.cast.contract_id,
        "kind": "transfer",
        "actor": world.cast.employees[0],
        "stream_id": "1",
        "employer": world.cast.employers[0],
        "employee": new,
        "stored_status": "active",
        "previous": world.cast.employees[0],
    }


def test_parties_are_those_right_after_each_event_of_one_operation(tmp_path, world):
    employer, new = world.cast.employers[0], world.cast.treasury
    lines = truth_of(
        tmp_path,
        world,
        lambda: [world.create()],
        lambda: [[world.call("pause_stream"), Call("set_delegate", (employer, 1, new))]],
        lambda: [Call("propose_employer_transfer", (employer, 1, new))],
        lambda: [[Call("accept_employer_transfer", (new, 1)), Call("resume_stream", (new, 1))]],
    )
    assert [line["employer"] for line in lines] == [employer] * 4 + [new] * 2


def test_intervals_end_by_resume_or_by_cancellation_or_not_at_all(tmp_path, world):
    lines = truth_of(
        tmp_path,
        world,
        lambda: [world.create(0), world.create(1), world.create(2)],
        lambda: [world.call("pause_stream", n) for n in (1, 2, 3)],
        lambda: [world.call("resume_stream", 1), world.call("cancel_stream", 2)],
    )
    known = expected(lines)
    ids = [line["event_id"] for line in lines]
    at, later = lines[3]["closed_at"], lines[6]["closed_at"]
    assert known.streams["1"].pauses == [ExpectedPause(ids[3], at, ids[6], later, "resumed")]
    assert known.streams["2"].pauses == [ExpectedPause(ids[4], at, ids[7], later, "cancelled")]
    assert known.streams["3"].pauses == [ExpectedPause(ids[5], at)]
    assert [known.streams[n].status for n in "123"] == ["active", "cancelled", "paused"]


def test_a_cancellation_of_an_active_stream_ends_no_interval(tmp_path, world):
    lines = truth_of(
        tmp_path,
        world,
        lambda: [world.create()],
        lambda: [world.call("pause_stream"), world.call("resume_stream")],
        lambda: [world.call("cancel_stream")],
    )
    assert [pause.ended_by for pause in expected(lines).streams["1"].pauses] == ["resumed"]


def test_a_repeated_contract_wide_pause_opens_one_interval(tmp_path, world):
    lines = truth_of(
        tmp_path,
        world,
        lambda: [world.admin("unpause_contract")],
        lambda: [world.admin("pause_contract"), world.admin("pause_contract")],
        lambda: [world.admin("unpause_contract"), world.admin("propose_parameter", 1)],
    )
    known = expected(lines)
    assert not known.contract_paused
    assert known.contract_pauses == [
        ExpectedPause(
            lines[1]["event_id"],
            lines[1]["closed_at"],
            lines[3]["event_id"],
            lines[3]["closed_at"],
            "resumed",
        )
    ]
    assert known.streams == {}


def test_what_is_stored_may_be_more_than_the_events_tell(tmp_path, world):
    lines = truth_of(
        tmp_path,
        world,
        lambda: [world.create(deposit=10_000, rate=10_000)],
        lambda: [Call("withdraw", (world.cast.employees[0], 1))],
    )
    stream = expected(lines).streams["1"]
    assert (stream.status, stream.stored_status) == ("active", "exhausted")
