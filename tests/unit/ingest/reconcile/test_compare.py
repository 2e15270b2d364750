"""Storage against the fold: every difference by its name, and what heals it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chain_order import Placed, walk
from domain.contract import CONTRACT_RULES
from domain.stream import STREAM_RULES
from ingest.reconcile.compare import StreamRead, compare_contract, compare_stream
from ingest.reconcile.findings import Kind
from ingest.reconcile.stored import StoredPause, StoredStream
from ingest.reconcile.told_facts import Entry
from tests.fakes import chain
from tests.fakes.kept import second


class Closes:
    """Every ledger closes as the fake chain has it."""

    def closed_at(self, ledger: int) -> int:
        return second(ledger)

    def ledger_at(self, closed_at: int, latest: int) -> int:
        return min((closed_at - chain.GENESIS) // 5, latest)


def past(*facts):
    placed = [Placed(fact, fact.event_id) for fact in facts]
    return sorted(placed, key=lambda each: each.fact.chain_key)


def pauses(*ledgers):
    """Records, a pause first, then in turn."""
    return [StoredPause(n % 2 == 0, second(ledger), n) for n, ledger in enumerate(ledgers)]


def read(status="active", records=(), *, employee=chain.EMPLOYEE, changed=50, kept=True):
    entry = Entry(chain.CONTRACT, 7, b"entry", changed, 90)
    stored = StoredStream(status, chain.EMPLOYER, employee)
    has_entry = kept and len(records) > 0
    return StreamRead(entry, stored, entry if has_entry else None, records if kept else None)


def findings(reading, *facts):
    return list(compare_stream(reading, past(*facts), Closes()))


def healed(reading, *facts):
    """The state once everything that was found is told."""
    told = [one.fact for each in findings(reading, *facts) for one in each.told]
    state = STREAM_RULES.initial
    for step in walk(STREAM_RULES, past(*facts, *told)):
        state = step.after
    return state


def kinds(reading, *facts):
    return [each.kind for each in findings(reading, *facts)]


def test_what_was_told_is_no_finding():
    facts = (chain.created(1), chain.paused(10), chain.resumed(12), chain.paused(12, 1))
    assert findings(read("paused", pauses(10, 12, 12)), *facts) == []


def test_a_missed_pause_is_told_with_its_time_and_place():
    (found,) = findings(
        read("paused", pauses(10, 12, 20)), chain.created(1), chain.paused(10), chain.resumed(12)
    )
    assert found.kind is Kind.PAUSE_MISSED
    assert found.detail == f"no event told of a pause at {second(20)}"
    (told,) = found.told
    assert told.event_id == f"storage:{chain.CONTRACT}:7:1:{second(20)}:0"
    assert told.fact.chain_key == (second(20), "~0000000002")
    assert (told.ledger, told.fact.tx_hash, told.fact.employee) == (20, "", None)
    assert told.told_by == "storage@1"


def test_of_several_in_one_second_the_last_ones_were_missed():
    facts = (chain.created(1), chain.paused(10))
    (found,) = findings(read("paused", pauses(10, 10, 10)), *facts)
    assert [each.event_id.split(":", 2)[2] for each in found.told] == [
        f"7:0:{second(10)}:0",
        f"7:1:{second(10)}:1",
    ]
    assert healed(read("paused", pauses(10, 10, 10)), *facts).pause_count == 2


def test_what_the_contract_does_not_keep_is_named_and_heals_nothing():
    facts = (chain.created(1), chain.paused(10), chain.resumed(12), chain.paused(20))
    (found,) = findings(read("paused", pauses(10, 12)), *facts)
    assert (found.kind, found.told) == (Kind.PAUSE_NOT_STORED, ())
    assert f"a pause at {second(20)} ({chain.event_id(20)})" in found.detail


def test_many_records_are_counted_in_words():
    facts = [chain.created(1), *(chain.paused(ledger) for ledger in range(10, 16))]
    (found,) = findings(read("paused", ()), *facts)
    assert found.detail.endswith("and 3 more")


def test_a_stream_that_nobody_told_of_comes_with_all_that_is_kept():
    reading = read("paused", pauses(10, 12, 20))
    (found,) = findings(reading)
    assert found.kind is Kind.STREAM_NOT_MET
    assert [type(each.fact).__name__ for each in found.told] == [
        "StreamPaused",
        "StreamResumed",
        "StreamPaused",
        "EmployerAccepted",
        "EmployeeTransferred",
    ]
    state = healed(reading)
    assert (state.status, state.employer, state.employee, state.pause_count) == (
        "paused",
        chain.EMPLOYER,
        chain.EMPLOYEE,
        2,
    )
    assert state.status_at == second(20)
    assert found.told[0].fact.employee == chain.EMPLOYEE  # whoever it concerns hears of it


def test_a_stream_that_nobody_told_of_and_that_was_never_paused_has_a_status():
    state = healed(read("active", ()))
    assert (state.status, state.status_start_known) == ("active", False)


@pytest.mark.parametrize("status", ["exhausted", "cancelled", "paused"])
def test_another_status_is_stated_since_when_nobody_knows(status):
    (found,) = findings(read(status, (), kept=False), chain.created(1))
    assert found.kind is Kind.STATUS
    (told,) = found.told
    assert told.event_id == f"storage:{chain.CONTRACT}:7:status={status}:50"
    assert told.fact.chain_key == (second(50), "~~status")
    assert not told.fact.time_known
    assert healed(read(status, (), kept=False), chain.created(1)).status == status


def test_a_reclaimed_stream_is_exhausted_there_and_cancelled_here():
    assert findings(read("exhausted"), chain.created(1), chain.cancelled(30)) == []


def test_nothing_follows_a_cancellation():
    (found,) = findings(read("active"), chain.created(1), chain.cancelled(30))
    assert (found.kind, found.told) == (Kind.STATUS, ())


def test_other_parties_are_a_difference_and_unknown_ones_too():
    (found,) = findings(read(employee=chain.OTHER), chain.created(1))
    assert (found.kind, len(found.told)) == (Kind.PARTIES, 1)
    assert healed(read(employee=chain.OTHER), chain.created(1)).employee == chain.OTHER
    (found,) = findings(read("paused", pauses(10)), chain.paused(10, employee=None))
    assert found.kind is Kind.PARTIES_UNKNOWN
    assert healed(read("paused", pauses(10)), chain.paused(10, employee=None)).employee


@pytest.mark.parametrize("paused", [True, False])
def test_a_contract_wide_pause_without_an_event_is_stated(paused):
    entry = Entry(chain.CONTRACT, None, b"entry", 50, 90)
    facts = past(chain.contract_pause(10, value=not paused))
    (found,) = compare_contract(entry, facts, Closes(), paused=paused)
    (told,) = found.told
    assert found.kind is Kind.CONTRACT_PAUSE
    assert told.event_id == f"storage:{chain.CONTRACT}:-:paused={str(paused).lower()}:50"
    *_, step = walk(CONTRACT_RULES, past(chain.contract_pause(10, value=not paused), told.fact))
    assert step.after.status == ("paused" if paused else "active")
    assert list(compare_contract(entry, facts, Closes(), paused=not paused)) == []


@given(st.data())
def test_whatever_was_hidden_of_a_history_healing_makes_it_whole(data):
    """Any part of the events is known: with the told facts the fold is the whole history's."""
    ledgers = sorted(data.draw(st.lists(st.integers(2, 8), max_size=9)))
    events = [chain.created(1)]
    for n, ledger in enumerate(ledgers):
        make = chain.paused if n % 2 == 0 else chain.resumed
        events.append(make(ledger, n))
    known = [event for event in events[1:] if data.draw(st.booleans())]
    known = [events[0], *known] if known or data.draw(st.booleans()) else []
    status = "paused" if len(ledgers) % 2 else "active"
    reading = read(status, pauses(*ledgers))
    told = [one.fact for each in findings(reading, *known) for one in each.told]
    assert findings(reading, *known, *told) == []
    state = healed(reading, *known)
    assert (state.status, state.employee) == (status, chain.EMPLOYEE)
    # Which one of a second was hidden nobody can tell: then a pause of no length may count or not.
    if len(set(ledgers)) == len(ledgers):
        assert state.pause_count == (len(ledgers) + 1) // 2
