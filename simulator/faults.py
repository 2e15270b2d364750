"""Bad weather, from a seed: what a request may meet instead of, or beside, its answer.

The names are a node's and a gateway's real failures (stellar-rpc and providers in front of it). The
same seed and the same order of requests give the same weather.
"""

import random
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec
import yaml

from simulator import scval
from simulator.errors import RpcFailure, SimulatorError
from simulator.ledger import ContractEvent, ledger_of
from simulator.oddities import Oddity

_VOID, _ONE = "AAAAAQ==", scval.text(scval.u32(1))
_PAUSED, _RESUMED = scval.symbol_topic("paused"), scval.symbol_topic("resumed")
_OPPOSITES: Final = {_PAUSED: _RESUMED, _RESUMED: _PAUSED}


class Fault(StrEnum):
    """One kind of failure; the value is its name under `rates` in the file."""

    UNAVAILABLE = "unavailable"  # HTTP 503, empty: the node's global queue is full
    GATEWAY_TIMEOUT = "gateway_timeout"  # HTTP 504, empty: the node's 25 s limit
    RATE_LIMITED = "rate_limited"  # HTTP 429 with Retry-After: a provider's gateway
    HTML = "html"  # HTTP 200 with a page: a gateway that hides its error
    CUT = "cut"  # half of an answer, then the connection closes
    PROCESSING_LIMIT = "processing_limit"  # -32001
    DATABASE = "database"  # -32600, though transient: only its text tells
    QUEUE_FULL = "queue_full"  # -32098
    LAG = "lag"  # answered by a node that is `lag_ledgers` behind


RPC_FAILURES = {
    Fault.PROCESSING_LIMIT: RpcFailure(
        -32001, "[-32001] request exceeded processing limit threshold"
    ),
    Fault.DATABASE: RpcFailure(-32600, "db read failed for requested parameter"),
    Fault.QUEUE_FULL: RpcFailure(
        -32098, "rpc queue for getEvents surpassed queue limit of 1000 requests"
    ),
}


class Concealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that getEvents never shows: of one kind (`paused`), of one stream or of the contract."""

    kind: str
    stream: int | None = None

    def hides(self, event: ContractEvent) -> bool:
        """Whether this is such an event."""
        wanted = [scval.symbol_topic(self.kind)]
        if self.stream is not None:
            wanted.append(scval.id_topic(self.stream))
        return list(event.topics) == wanted


class Dropped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ledgers, both included, whose events getEvents passes over: a hole in the node's own database."""

    from_ledger: int
    to_ledger: int

    def hides(self, event: ContractEvent) -> bool:
        """Whether this event is of them."""
        return self.from_ledger <= ledger_of(event.event_id) <= self.to_ledger


class FaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The faults file (YAML or JSON). `rates`: fault name -> share of HTTP requests, 0 to 1.

    `hidden_events`: share of the events that getEvents never shows, though they happened; `concealed`:
    which ones it never shows; `dropped`: ledgers of which it shows none. `altered_events`: share of the
    events that getEvents tells with other bytes, always the same ones. `evicts`: archived entries are not
    told at all.
    `oddities`: what it tells of itself that cannot be -> share of getEvents' and getLedgers' answers.
    `empty_below_retention`: some providers answer 200 and nothing instead of the range error.
    `datastore`: getLedgers reaches below the window, to the chain's first ledger.
    `tip_behind`: ledgers that the node is always late. `retention_ledgers`: how much it keeps, where that
    is less than the chain does. `nodes`: plans of the single nodes, in their order; a node without one
    has this plan.
    """

    seed: int = 1
    rates: dict[Fault, float] = {}
    retry_after_seconds: int = 1
    lag_ledgers: int = 3
    hidden_events: float = 0.0
    concealed: tuple[Concealed, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    altered_events: float = 0.0
    evicts: bool = False
    oddities: dict[Oddity, float] = {}
    datastore: bool = False
    empty_below_retention: bool = False
    tip_behind: int = 0
    retention_ledgers: int | None = None
    nodes: list["FaultPlan"] = []

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises SimulatorError with the fault in the file."""
        try:
            plan = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), cls)
        except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
            raise SimulatorError(f"{path}: {error}") from error
        plans: list[FaultPlan] = [plan, *plan.nodes]
        if any(sum(each.values()) > 1 for one in plans for each in (one.rates, one.oddities)):
            raise SimulatorError(f"{path}: the rates add up to more than 1")
        return plan

    def of_node(self, place: int) -> "FaultPlan":
        """The plan of the node at this place, from 0."""
        return self.nodes[place] if place < len(self.nodes) else self


class Forecast(NamedTuple):
    """What one HTTP request meets."""

    fault: Fault | None
    lag_ledgers: int


class Weather:
    """Draws one forecast per request."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        # replaced as a whole, from any thread
        self.concealed: tuple[Concealed | Dropped, ...] = (*plan.concealed, *plan.dropped)
        self._rng = random.Random(plan.seed)
        self._odd = random.Random(f"odd {plan.seed}")

    def oddity(self) -> Oddity | None:
        """What is odd about the next answer, if anything."""
        drawn = self._odd.random()
        for oddity, rate in self.plan.oddities.items():
            if drawn < rate:
                return oddity
            drawn -= rate
        return None

    def next(self) -> Forecast:
        """The next request's luck."""
        drawn = self._rng.random()
        for fault, rate in self.plan.rates.items():
            if drawn < rate:
                return Forecast(fault, self.plan.lag_ledgers if fault is Fault.LAG else 0)
            drawn -= rate
        return Forecast(None, 0)

    def conceals(self, event: ContractEvent) -> bool:
        """Whether this event is not shown now."""
        return any(each.hides(event) for each in self.concealed) or self.hides(event.event_id)

    def hides(self, event_id: str) -> bool:
        """Whether this event is never shown; the same for every request."""
        share = self.plan.hidden_events
        return share > 0 and random.Random(f"{self.plan.seed}:{event_id}").random() < share

    def alters(self, event_id: str) -> bool:
        """Whether this event is told with other bytes; the same for every request."""
        share = self.plan.altered_events
        return share > 0 and random.Random(f"alters {self.plan.seed}:{event_id}").random() < share

    def told(self, event: ContractEvent) -> ContractEvent:
        """The event as this node tells it."""
        return altered(event) if self.alters(event.event_id) else event


def altered(event: ContractEvent) -> ContractEvent:
    """Another event under the same id: a resume for a pause and the reverse, else another value."""
    first, *rest = event.topics or ("",)
    topics, value = event.topics, _ONE if event.value == _VOID else _VOID
    if first in _OPPOSITES:
        topics, value = (_OPPOSITES[first], *rest), event.value
    wire = msgspec.json.decode(event.wire) | {"topic": topics, "value": value}
    return event._replace(topics=topics, value=value, wire=msgspec.json.encode(wire))
