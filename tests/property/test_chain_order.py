"""Any order of arrival gives the same history: fold by version = fold in chain order."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import chain_order, judgement, stream
from domain.intervals import intervals
from domain.stream import STREAM_RULES
from tests.fakes import chain

ID = UUID(int=1)
MAKERS = (chain.created, chain.paused, chain.resumed, chain.cancelled, chain.transferred)
SAME_SECOND = {chain.paused: True, chain.resumed: False}


@st.composite
def arrivals(draw):
    """Facts of one stream (legal or not), cut into slices, in any order of arrival."""
    makers = draw(st.lists(st.sampled_from(MAKERS), min_size=1, max_size=7))
    known = [maker(ledger // 2 + 1, ledger % 2) for ledger, maker in enumerate(makers)]
    shuffled = draw(st.permutations(known))
    cuts = draw(st.lists(st.booleans(), min_size=len(known), max_size=len(known)))
    slices: list[list] = [[]]
    for fact, cut in zip(shuffled, cuts, strict=True):
        if cut and slices[-1]:
            slices.append([])
        slices[-1].append(fact)
    return known, slices


def deliver(slices):
    state, log = STREAM_RULES.initial, []
    for known in slices:
        events, state = judgement.decide(STREAM_RULES, ID, state, known, past=log)
        log.extend(events)
    return log, state


def in_chain_order(log):
    steps = list(chain_order.walk(STREAM_RULES, chain_order.placed_facts(log)))
    return steps, intervals(steps)


def told(state):
    """The state but for how it was learned."""
    return (state.tip, *(getattr(state, name) for name in state.__struct_fields__[3:]))


@settings(max_examples=400, deadline=None)
@given(arrivals())
def test_every_order_of_arrival_folds_to_the_same_history(case):
    known, slices = case
    log, state = deliver(slices)
    straight, expected = deliver([known])
    assert told(state) == told(expected)
    assert in_chain_order(log)[1] == in_chain_order(straight)[1]


@settings(max_examples=400, deadline=None)
@given(arrivals())
def test_the_left_fold_by_version_is_the_state_that_was_decided(case):
    _, slices = case
    log, state = deliver(slices)
    assert [event.originator_version for event in log] == list(range(1, len(log) + 1))
    assert stream.fold(None, log) == state
    assert in_chain_order(log)[0][-1].after.status == state.status


@st.composite
def storage_then_events(draw):
    """Pauses and resumes told by storage first, then by events, some of them, in any order."""
    flags = draw(st.lists(st.booleans(), min_size=1, max_size=5))
    ledgers = sorted(draw(st.lists(st.integers(1, 3), min_size=len(flags), max_size=len(flags))))
    counts: dict[tuple[int, bool], int] = {}
    stored, events = [], []
    for at, (ledger, is_pause) in enumerate(zip(ledgers, flags, strict=True)):
        k = counts.get((ledger, is_pause), 0)
        counts[ledger, is_pause] = k + 1
        stored.append(chain.stored_pause(ledger, k, at=at, is_pause=is_pause))
        events.append((chain.paused if is_pause else chain.resumed)(ledger, at))
    return stored, draw(st.permutations(events))


@settings(max_examples=300, deadline=None)
@given(storage_then_events())
def test_events_after_storage_end_as_if_storage_had_never_been_read(case):
    stored, events = case
    log, state = deliver([stored, *([event] for event in events)])
    _, expected = deliver([sorted(events, key=lambda fact: fact.chain_key)])
    assert state.unconfirmed == ()
    assert (state.status, state.status_at, state.status_event_id) == (
        expected.status,
        expected.status_at,
        expected.status_event_id,
    )
    assert (state.pause_count, state.paused_seconds) == (
        expected.pause_count,
        expected.paused_seconds,
    )
    assert stream.fold(None, log) == state
