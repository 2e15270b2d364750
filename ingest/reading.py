"""How a contract event reads, for people: its values in words, and what a profile makes of it."""

from typing import Final, NamedTuple

import msgspec

from domain.facts import ContractUpgraded, Fact
from ingest.decision import OUTCOME_APPLIED, OUTCOME_IGNORED, OUTCOME_QUARANTINED
from ingest.decode import ContractEvent
from ingest.errors import Undecodable
from ingest.profiles.shapes import Profile
from ingest.scval import ScVal, decode_scval
from ingest.translate import Applied, Ignored, translate

_PLACE: Final = frozenset(Fact.__struct_fields__)


class Reading(NamedTuple):
    """One event as a profile reads it. `fact`: the fact's name where it is applied, `fields` its own."""

    event: ContractEvent
    outcome: str
    reason: str | None
    fact: str | None
    fields: dict[str, object]

    @property
    def says(self) -> str:
        """What it comes to, in words."""
        return (
            f"{self.outcome}: {self.reason}" if self.fact is None else _told(self.fact, self.fields)
        )


class Kind(NamedTuple):
    """Events that are told apart by their type, name and number of topics, and read the same way."""

    type: str
    name: str
    arity: int
    outcome: str
    reads_as: str


class Reader:
    """Reads events in chain order by one profile; an upgrade changes how those after it read.

    `wasm`: hex hash of what the contract ran before the first event, where known.
    """

    def __init__(self, profile: Profile, wasm: str | None = None) -> None:
        self._profile = profile
        self._wasm = wasm

    def read(self, event: ContractEvent) -> Reading:
        """Read the next event."""
        found = translate(self._profile, event, self._wasm)
        if isinstance(found, Applied):
            fact = found.fact
            if isinstance(fact, ContractUpgraded):
                self._wasm = fact.wasm
            return Reading(event, OUTCOME_APPLIED, None, type(fact).__name__, _own_fields(fact))
        outcome = OUTCOME_IGNORED if isinstance(found, Ignored) else OUTCOME_QUARANTINED
        return Reading(event, outcome, found.reason, None, {})


def fact_in_words(fact: Fact) -> str:
    """A fact without its place."""
    return _told(type(fact).__name__, _own_fields(fact))


def kind_of(reading: Reading) -> Kind:
    """What an event is counted as."""
    event = reading.event
    name = in_words(event.topics[0]).removeprefix("symbol ") if event.topics else "-"
    return Kind(
        event.type, name, len(event.topics), reading.outcome, reading.fact or reading.reason or ""
    )


def in_words(xdr: bytes) -> str:
    """An ScVal as people read it: `u64 7`, `vec[address G…, symbol paused]`."""
    try:
        return _words(decode_scval(xdr))
    except Undecodable as error:
        return f"unreadable: {error.reason}"


def _told(fact: str, fields: dict[str, object]) -> str:
    return f"{fact} {', '.join(f'{name}={value}' for name, value in fields.items())}"


def _own_fields(fact: Fact) -> dict[str, object]:
    """What the fact says besides its place; numbers as text, since many exceed what JSON keeps."""
    return {
        name: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in msgspec.structs.asdict(fact).items()
        if name not in _PLACE
    }


def _words(value: ScVal) -> str:
    kind, content = value
    if kind == "vec":
        return f"vec[{', '.join(map(_words, content or []))}]"
    if kind == "map":
        return f"map{{{', '.join(f'{_words(key)}: {_words(one)}' for key, one in content or [])}}}"
    if content is None:
        return kind
    return f"{kind} {content.hex() if isinstance(content, bytes) else content}"
