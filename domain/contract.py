"""The aggregate of one contract: its contract-wide pause, its upgrades, and the gaps in what we saw.

The contract-wide pause may be set to the value it has (emergency pause does), or be set while another
switch holds it: that is repeated, not refused. Gaps are what we learned about ourselves; they have
versions but no place on the chain.
"""

from collections.abc import Iterable

import msgspec

from domain import actors, chain_order, facts
from domain.chain_order import APPLIED, NO_PARTIES, REPEATED, DomainEvent, Rules
from domain.state import ACTIVE, PAUSED, AggregateState, Changes, enter
from domain.values import ChainKey


class Gap(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Ledgers that were never scanned, both ends included; `pauses_healed`: storage told the pauses."""

    from_ledger: int
    to_ledger: int
    pauses_healed: bool = False


class Upgrade(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the contract's code was replaced, and by what; hashes in hex where told."""

    at: ChainKey
    ledger: int
    previous_wasm: str | None
    wasm: str | None


class ContractState(AggregateState, frozen=True, array_like=True, gc=False):
    """The fold of a contract's facts: its upgrades in chain order, and its open gaps in ledger order.

    `wasm`: hex hash of what it runs now, as far as its upgrades tell. `holds`: the switches that keep
    it paused, sorted.
    """

    wasm: str | None = None
    gaps: tuple[Gap, ...] = ()
    upgrades: tuple[Upgrade, ...] = ()
    holds: tuple[str, ...] = ()


class GapOpened(DomainEvent, frozen=True, array_like=True, gc=False):
    """The cursor had to pass ledgers that no source could serve. `noticed_at`: unix seconds."""

    TOPIC = "contract.gap_opened.1"

    contract_id: str
    from_ledger: int
    to_ledger: int
    noticed_at: int


class GapHealed(DomainEvent, frozen=True, array_like=True, gc=False):
    """A range of a gap became known. `healed_by`: `storage` heals pauses only, any other name all."""

    TOPIC = "contract.gap_healed.1"

    contract_id: str
    from_ledger: int
    to_ledger: int
    healed_by: str
    noticed_at: int


class RangeFilled(DomainEvent, frozen=True, array_like=True, gc=False):
    """A job has brought all it could find between two ledgers, both included."""

    TOPIC = "contract.range_filled.1"

    job: str
    contract_id: str
    from_ledger: int
    to_ledger: int


def _judge(state: ContractState, fact: facts.ContractFact) -> str:
    if isinstance(fact, facts.ContractPauseSet):
        return REPEATED if state.status == _status(_holds(state, fact)) else APPLIED
    if isinstance(fact, facts.ContractActorNamed):
        return actors.verdict_of(actors.of_contract(fact))
    return APPLIED


def _holds(state: ContractState, fact: facts.ContractPauseSet) -> tuple[str, ...]:
    """The switches that keep the contract paused after this fact."""
    others = set(state.holds) - {fact.switch}
    return tuple(sorted(others | {fact.switch} if fact.paused else others))


def _status(holds: tuple[str, ...]) -> str:
    return PAUSED if holds else ACTIVE


def _absorb(state: ContractState, fact: facts.ContractFact, cause: str) -> Changes:
    if isinstance(fact, facts.ContractPauseSet):
        holds = _holds(state, fact)
        return {"holds": holds} | enter(state, _status(holds), fact, cause)
    if isinstance(fact, facts.ContractUpgraded):
        return {"wasm": fact.wasm, "upgrades": with_upgrade(state.upgrades, fact)}
    return {}


def with_upgrade(upgrades: Iterable[Upgrade], fact: facts.ContractUpgraded) -> tuple[Upgrade, ...]:
    """The upgrades and one more, in chain order; known already: none more."""
    added = Upgrade(fact.chain_key, fact.ledger, fact.previous_wasm, fact.wasm)
    known = {each.at: each for each in upgrades}
    return tuple(sorted({added.at: added, **known}.values(), key=lambda each: each.at))


def wasm_at(upgrades: Iterable[Upgrade], place: ChainKey) -> str | None:
    """What the contract ran at a place in chain order; None where no upgrade tells.

    Before the first upgrade that we know of it ran what that one replaced.
    """
    wasm = None
    for number, upgrade in enumerate(upgrades):
        if upgrade.at > place:
            return upgrade.previous_wasm if number == 0 else wasm
        wasm = upgrade.wasm
    return wasm


def _carry(old: ContractState, refolded: ContractState) -> ContractState:
    return msgspec.structs.replace(refolded, gaps=old.gaps)


CONTRACT_RULES: Rules[ContractState] = Rules(
    initial=ContractState(),
    judge=_judge,
    absorb=_absorb,
    parties=lambda _: NO_PARTIES,
    carry=_carry,
)


def evolve(state: ContractState, event: DomainEvent) -> ContractState:
    """One step of the left fold by version."""
    state = chain_order.evolve(CONTRACT_RULES, state, event)
    if isinstance(event, GapOpened):
        gap = Gap(event.from_ledger, event.to_ledger)
        gaps = tuple(sorted((*state.gaps, gap), key=lambda each: each.from_ledger))
        return msgspec.structs.replace(state, gaps=gaps)
    if isinstance(event, GapHealed):
        return msgspec.structs.replace(state, gaps=_heal(state.gaps, event))
    return state


def _heal(gaps: tuple[Gap, ...], event: GapHealed) -> tuple[Gap, ...]:
    """Cut the healed ledgers out of the gaps, or mark that their pauses are known."""
    left: list[Gap] = []
    for gap in gaps:
        low, high = max(gap.from_ledger, event.from_ledger), min(gap.to_ledger, event.to_ledger)
        if low > high:
            left.append(gap)
            continue
        if gap.from_ledger < low:
            left.append(msgspec.structs.replace(gap, to_ledger=low - 1))
        if event.healed_by == "storage":
            left.append(Gap(low, high, pauses_healed=True))
        if high < gap.to_ledger:
            left.append(msgspec.structs.replace(gap, from_ledger=high + 1))
    return tuple(left)


def fold(state: ContractState | None, events: Iterable[DomainEvent]) -> ContractState | None:
    """The projector for the library's repository: None only where there was nothing at all."""
    for event in events:
        state = evolve(state or CONTRACT_RULES.initial, event)
    return state
