"""Step 4. Contract event -> fact, by the contract's profile; pure, the aggregate decides later.

In:   ContractEvent: topics such as ("paused", u64 id), value such as (employer, employee, u64 seconds)
Out:  Applied with the fact, Ignored (listed as of no concern), or Quarantined (not understood)
Next: judge.py lets the aggregates decide, record.py writes

Nothing raises here: what does not read is quarantined with its reason, and the next event goes on.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec

from domain.facts import Fact
from ingest.decode import ContractEvent
from ingest.errors import Undecodable
from ingest.profiles.shapes import EventKey, Profile, Section
from ingest.scval import ScVal, decode_scval

_MOST_SKETCHED: Final = 12


class Applied(msgspec.Struct, frozen=True, gc=False):
    """Understood: the fact, and the profile (name@version) that read it."""

    fact: Fact
    profile: str


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """Of no concern to us, by the profile."""

    reason: str
    profile: str


class Quarantined(msgspec.Struct, frozen=True, gc=False):
    """Not understood: kept, alarmed, read again when a profile learns it."""

    reason: str
    profile: str | None


Translation: TypeAlias = Applied | Ignored | Quarantined


def translate(profile: Profile, event: ContractEvent, wasm: str | None = None) -> Translation:
    """Read an event. `wasm`: hex hash of what the contract runs, where known."""
    if event.defect is not None:
        return Quarantined(event.defect, profile.label)
    try:
        return _translate(profile, event, wasm)
    except Undecodable as error:
        return Quarantined(f"XDR: {error.reason}", profile.label)


def _translate(profile: Profile, event: ContractEvent, wasm: str | None) -> Translation:
    if not event.topics:
        return Quarantined("the event has no topics", profile.label)
    kind, name = decode_scval(event.topics[0])
    if kind != "symbol":
        return Quarantined(f"topic 0 is a {kind}, not a symbol", profile.label)
    key = (event.type, name, len(event.topics))
    section = profile.section(wasm)
    shapes = section.shapes.get(key)
    if shapes is None:
        return _without_shape(key, section, profile.label)
    topics = [decode_scval(topic) for topic in event.topics[1:]]
    data = decode_scval(event.value)
    for shape in shapes:
        fields = shape.read(topics, data)
        if fields is not None:
            return Applied(_fact(shape.fact, event, fields), profile.label)
    found = f"topics ({', '.join(map(_sketch, topics))}), data {_sketch(data)}"
    return Quarantined(f"{_title(key)} has another shape: {found}", profile.label)


def _without_shape(key: EventKey, section: Section, label: str) -> Ignored | Quarantined:
    if key in section.of_no_concern:
        return Ignored("listed as of no concern", label)
    if section.unlisted_concern_us:
        return Quarantined(f"{_title(key)} is not in the profile", label)
    return Ignored("not an event that the profile is about", label)


def _fact(kind: type[Fact], event: ContractEvent, fields: Sequence[Any]) -> Fact:
    """Positional: the facts' first fields are the place on the chain, `order` is empty for events."""
    return kind(
        event.event_id,
        event.closed_at,
        event.ledger,
        event.tx_hash,
        "",
        event.contract_id,
        *fields,
    )


def _title(key: EventKey) -> str:
    kind, name, arity = key
    return f"{kind} event {name!r} with {arity} topics"


def _sketch(value: ScVal) -> str:
    """The types of a value, two levels deep at most, for people who extend a profile."""
    kind, content = value
    if kind == "symbol":
        return f"symbol {content!r}"
    if kind == "vec" and content:
        return f"vec[{_kinds(content)}]"
    if kind == "map" and content:
        return f"map{{{_kinds([key for key, _ in content])}}}"
    return kind if kind not in {"vec", "map"} else f"empty {kind}"


def _kinds(values: Sequence[ScVal]) -> str:
    shown = [
        f"{kind} {content!r}" if kind == "symbol" else kind
        for kind, content in values[:_MOST_SKETCHED]
    ]
    return ", ".join(shown) + (", …" if len(values) > _MOST_SKETCHED else "")
