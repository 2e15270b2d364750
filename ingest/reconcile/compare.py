"""What a contract keeps, compared with the fold of what we were told, up to one ledger. Pure.

In: entries read back, the facts up to that ledger in chain order. Out: findings with what heals them.
Next: survey.py reads and calls this; healing.py records.

Pauses are matched by flag and second, counted: a ledger may hold several. Where fewer are known than
kept, the last ones of that second count as missed: events stand before storage facts of one second.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from domain.chain_order import Placed, walk
from domain.contract import CONTRACT_RULES
from domain.facts import StreamPaused, StreamResumed
from domain.state import CANCELLED, EXHAUSTED, PAUSED
from domain.stream import STREAM_RULES, StreamState
from ingest.reconcile.findings import Finding, Kind
from ingest.reconcile.stored import StoredPause, StoredStream
from ingest.reconcile.told_facts import (
    Closes,
    Entry,
    told_contract_pause,
    told_parties,
    told_pauses,
    told_status,
)
from ingest.told import Told

_NAMED: Final = 3  # of several records, in words
_Key = tuple[bool, int]


class StreamRead(NamedTuple):
    """One stream as it was read; `pauses` None: the contract keeps no history of pauses."""

    entry: Entry
    stored: StoredStream
    pauses_entry: Entry | None
    pauses: Sequence[StoredPause] | None


def compare_stream(read: StreamRead, past: Sequence[Placed], closes: Closes) -> Iterator[Finding]:
    """Findings about one stream; `past` is empty for one that no event told us of."""
    missed: list[Told] = []
    if read.pauses is not None:
        missing, unstored = _match(read.pauses, past)
        if read.pauses_entry is not None:
            unmet = None if past else read.stored
            missed = list(told_pauses(read.pauses_entry, missing, closes, unmet))
        if unstored:
            yield _not_stored(read.entry.stream_id, unstored)
    state = _fold(past, missed)
    known = (state.employer, state.employee)
    parted = list(told_parties(read.entry, read.stored, known, closes))
    stated: tuple[Told, ...] = ()
    if not _same(state.status, read.stored.status):
        stated = (told_status(read.entry, read.stored.status, closes),)
    if not past:
        parties = told_parties(read.entry, read.stored, (None, None), closes)
        told = (*missed, *parties, *stated)
        yield Finding(Kind.STREAM_NOT_MET, read.entry.stream_id, _met(read), told)
        return
    yield from _differences(read, state, missed=missed, parted=parted)
    if stated:
        detail = f"the contract says {read.stored.status}, we say {state.status}"
        # Nothing follows a cancellation: our record or the node's is wrong, and a person must look.
        heals = () if state.status == CANCELLED else stated
        yield Finding(Kind.STATUS, read.entry.stream_id, detail, heals)


def _differences(
    read: StreamRead,
    state: StreamState,
    *,
    missed: Sequence[Told],
    parted: Sequence[Told],
) -> Iterator[Finding]:
    stream_id = read.entry.stream_id
    if missed:
        yield Finding(Kind.PAUSE_MISSED, stream_id, _missed(missed), tuple(missed))
    if parted:
        unknown = state.employer is None or state.employee is None
        kind = Kind.PARTIES_UNKNOWN if unknown else Kind.PARTIES
        detail = (
            f"the contract has {read.stored.employer} paying {read.stored.employee},"
            f" we have {state.employer} paying {state.employee}"
        )
        yield Finding(kind, stream_id, detail, tuple(parted))


def compare_contract(
    entry: Entry, past: Sequence[Placed], closes: Closes, *, paused: bool
) -> Iterator[Finding]:
    """Whether the contract-wide pause is set as we were told."""
    state = CONTRACT_RULES.initial
    for step in walk(CONTRACT_RULES, past):
        state = step.after  # type: ignore[assignment] # the walk keeps the rules' state type
    if (state.status == PAUSED) != paused:
        words = ("paused", "not paused") if paused else ("not paused", "paused")
        detail = "the contract as a whole is {}, we have it as {}".format(*words)
        told = told_contract_pause(entry, paused=paused, closes=closes)
        yield Finding(Kind.CONTRACT_PAUSE, None, detail, (told,))


def _match(
    kept: Sequence[StoredPause], past: Sequence[Placed]
) -> tuple[list[tuple[StoredPause, int]], list[Placed]]:
    """Records that nobody told us (with their number among their like), and facts without a record."""
    facts = [each for each in past if isinstance(each.fact, StreamPaused | StreamResumed)]
    told = Counter(_key(each) for each in facts)
    seen: Counter[_Key] = Counter()
    missing = []
    for record in kept:
        key = (record.is_pause, record.at)
        if seen[key] >= told[key]:
            missing.append((record, seen[key]))
        seen[key] += 1
    unstored = []
    for each in facts:
        key = _key(each)
        if seen[key] == 0:
            unstored.append(each)
        else:
            seen[key] -= 1
    return missing, unstored


def _key(placed: Placed) -> _Key:
    return isinstance(placed.fact, StreamPaused), placed.fact.closed_at


def _fold(past: Sequence[Placed], missed: Sequence[Told]) -> StreamState:
    """The stream's state once the missed pauses are known."""
    placed = [*past, *(Placed(each.fact, each.event_id) for each in missed)]
    placed.sort(key=lambda each: (each.fact.chain_key, each.fact.event_id))
    state = STREAM_RULES.initial
    for step in walk(STREAM_RULES, placed):
        state = step.after  # type: ignore[assignment] # the walk keeps the rules' state type
    return state


def _same(folded: str, stored: str) -> bool:
    """A stream that was reclaimed after its end is exhausted in storage and cancelled by its event."""
    return folded == stored or (folded, stored) == (CANCELLED, EXHAUSTED)


def _met(read: StreamRead) -> str:
    pauses = "" if read.pauses is None else f", {len(read.pauses)} pauses and resumes"
    return f"{read.stored.status}, {read.stored.employer} paying {read.stored.employee}{pauses}"


def _missed(missed: Sequence[Told]) -> str:
    named = [f"{_word(each.fact)} at {each.closed_at}" for each in missed]
    return f"no event told of {_listed(named)}"


def _not_stored(stream_id: int | None, unstored: Sequence[Placed]) -> Finding:
    named = [f"{_word(fact)} at {fact.closed_at} ({fact.event_id})" for fact, _ in unstored]
    return Finding(Kind.PAUSE_NOT_STORED, stream_id, f"the contract does not keep {_listed(named)}")


def _word(fact: object) -> str:
    return "a pause" if isinstance(fact, StreamPaused) else "a resume"


def _listed(named: Sequence[str]) -> str:
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} more" if more > 0 else "")
