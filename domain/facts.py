"""Facts: what one understood contract event says, before any aggregate has judged it.

Every fact stands at a place on the chain and names its contract; a stream's fact names its stream too.
The stored form is a msgpack array in field order: add fields at the end with a default, never remove
or reorder one (a changed shape is a new topic number and an upcaster in the mapper).

Storage facts (read from the contract's storage instead of an event) have ids that begin with
`storage:`, no tx hash, and their own `order` text: `~` + place in the PauseHistory vector (10 digits),
or `~~` + field name for a state whose time is not known.
Actor facts (read from a transaction) have ids `actor:<event id>`, order `<event id>~`: right behind it.
"""

from typing import ClassVar

import msgspec

from domain.values import I128, ChainKey

STORAGE_PREFIX = "storage:"
UNKNOWN_START_PREFIX = "~~"


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the chain said, with its place.

    `closed_at`: the ledger's close time, whole unix seconds. `tx_hash`: 64 hex characters, empty for
    storage facts. `order`: empty for events (the event id orders them), see the module for storage.
    """

    TOPIC: ClassVar[str] = ""

    event_id: str
    closed_at: int
    ledger: int
    tx_hash: str
    order: str
    contract_id: str

    @property
    def chain_key(self) -> ChainKey:
        """The fact's place in chain order."""
        return self.closed_at, self.order or self.event_id

    @property
    def from_storage(self) -> bool:
        """Whether the fact was read from the contract's storage."""
        return self.order != "" and self.event_id.startswith(STORAGE_PREFIX)

    @property
    def time_known(self) -> bool:
        """False for a state found in storage that does not say since when it holds."""
        return self.order == "" or not self.order.startswith(UNKNOWN_START_PREFIX)


class StreamFact(Fact, frozen=True, array_like=True, gc=False):
    """A fact about one stream; `stream_id` is the contract's own number, u64."""

    stream_id: int


class StreamCreated(StreamFact, frozen=True, array_like=True, gc=False):
    """A stream began. `rate`: base units per second; `fee_bps`: hundredths of a percent."""

    TOPIC = "stream.created.1"

    employer: str | None
    employee: str | None
    rate: I128 | None = None
    fee_bps: int | None = None


class StreamPaused(StreamFact, frozen=True, array_like=True, gc=False):
    """A stream stopped earning. `stated_at`: the u64 in the event's data; may be anything."""

    TOPIC = "stream.paused.1"

    employer: str | None = None
    employee: str | None = None
    stated_at: int | None = None


class StreamResumed(StreamFact, frozen=True, array_like=True, gc=False):
    """A stream earns again. `stated_at` as in StreamPaused."""

    TOPIC = "stream.resumed.1"

    employer: str | None = None
    employee: str | None = None
    stated_at: int | None = None


class StreamCancelled(StreamFact, frozen=True, array_like=True, gc=False):
    """A stream ended for good, from active or paused; `reclaim_expired` emits the same shape."""

    TOPIC = "stream.cancelled.1"

    employer: str | None = None
    employee: str | None = None
    refund: I128 | None = None
    payout: I128 | None = None


class EmployeeTransferred(StreamFact, frozen=True, array_like=True, gc=False):
    """The right to be paid moved from one account to another."""

    TOPIC = "stream.employee_transferred.1"

    previous: str | None
    employee: str | None


class EmployerProposed(StreamFact, frozen=True, array_like=True, gc=False):
    """A new employer was proposed; nothing changes until it is accepted."""

    TOPIC = "stream.employer_proposed.1"

    employer: str | None
    proposed: str | None


class EmployerAccepted(StreamFact, frozen=True, array_like=True, gc=False):
    """The proposed employer took the stream over."""

    TOPIC = "stream.employer_accepted.1"

    previous: str | None
    employer: str | None


class StreamWithdrawn(StreamFact, frozen=True, array_like=True, gc=False):
    """Earned pay was taken out."""

    TOPIC = "stream.withdrawn.1"

    account: str | None
    amount: I128 | None


class StreamToppedUp(StreamFact, frozen=True, array_like=True, gc=False):
    """The deposit grew."""

    TOPIC = "stream.topped_up.1"

    account: str | None
    amount: I128 | None


class RateChanged(StreamFact, frozen=True, array_like=True, gc=False):
    """Pay per second changed."""

    TOPIC = "stream.rate_changed.1"

    previous_rate: I128 | None
    rate: I128 | None


class NearExhaustion(StreamFact, frozen=True, array_like=True, gc=False):
    """The contract warns that the deposit runs out; `remaining`: the u32 it states (its own unit)."""

    TOPIC = "stream.near_exhaustion.1"

    account: str | None
    remaining: int | None


class StatusStated(StreamFact, frozen=True, array_like=True, gc=False):
    """The contract stated a status outright; `status`: active, paused, cancelled or exhausted."""

    TOPIC = "stream.status_stated.1"

    status: str


class DelegateSet(StreamFact, frozen=True, array_like=True, gc=False):
    """The employer named (or removed: None) a delegate who may pause for them."""

    TOPIC = "stream.delegate_set.1"

    delegate: str | None


class ContractFact(Fact, frozen=True, array_like=True, gc=False):
    """A fact about a whole contract."""


class ContractPauseSet(ContractFact, frozen=True, array_like=True, gc=False):
    """The contract-wide pause was set; the same value twice is possible. `by`: who, where told.

    `switch`: which one, in a contract that has several; it pays again when none of them holds it.
    """

    TOPIC = "contract.pause_set.1"

    paused: bool
    by: str | None = None
    switch: str = ""


class ContractUpgraded(ContractFact, frozen=True, array_like=True, gc=False):
    """The contract's wasm changed (host's system event); hashes in hex where told."""

    TOPIC = "contract.upgraded.1"

    previous_wasm: str | None
    wasm: str | None


class StreamActorNamed(StreamFact, frozen=True, array_like=True, gc=False):
    """Who made the event `of_event`: all candidates, as strkeys.

    `authorities`: who may act for all of the contract, as known when this was read; empty: not known.
    """

    TOPIC = "stream.actor_named.1"

    of_event: str
    actors: tuple[str, ...]
    function: str | None = None
    authorities: tuple[str, ...] = ()


class ContractActorNamed(ContractFact, frozen=True, array_like=True, gc=False):
    """As StreamActorNamed, of an event of a whole contract."""

    TOPIC = "contract.actor_named.1"

    of_event: str
    actors: tuple[str, ...]
    function: str | None = None
    authorities: tuple[str, ...] = ()


STREAM_FACTS: tuple[type[StreamFact], ...] = (
    StreamCreated,
    StreamPaused,
    StreamResumed,
    StreamCancelled,
    EmployeeTransferred,
    EmployerProposed,
    EmployerAccepted,
    StreamWithdrawn,
    StreamToppedUp,
    RateChanged,
    NearExhaustion,
    StatusStated,
    DelegateSet,
    StreamActorNamed,
)
_WIDE = ContractPauseSet, ContractUpgraded, ContractActorNamed
CONTRACT_FACTS: tuple[type[ContractFact], ...] = _WIDE
