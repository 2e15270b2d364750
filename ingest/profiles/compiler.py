"""One event as a profile file writes it -> its shape, checked against the fact it is to make."""

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec

from domain.facts import CONTRACT_FACTS, STREAM_FACTS, Fact, StreamFact
from ingest.profiles.fields import ANY, Field, parse_field
from ingest.profiles.shapes import (
    DataShape,
    EventKey,
    EventShape,
    MapShape,
    ValueShape,
    VecShape,
)

FACTS: Final[Mapping[str, type[Fact]]] = {
    fact.__name__: fact for fact in (*STREAM_FACTS, *CONTRACT_FACTS)
}
_FURTHER_KEYS: Final = "..."
_PLACE_FIELDS: Final = len(Fact.__struct_fields__)


class EntryFault(Exception):
    """What is wrong with an entry: where, and the way out."""

    def __init__(self, field: str, fix: str) -> None:
        super().__init__(f"{field}: {fix}")
        self.field = field
        self.fix = fix


class EventEntry(msgspec.Struct, forbid_unknown_fields=True):
    """How one event reads.

    `event`: topic 0. `topics`: the others. `data`: one of `{vec: [...]}`, `{map: {key: value}}`,
    `{value: ...}`; a map's key `...` lets further keys be there. How values are written: fields.py.
    `fact`: a class of domain/facts.py; `set`: fields of it that are always the same.
    """

    event: str
    scope: Literal["stream", "contract"]
    data: dict[str, Any]
    fact: str
    topics: list[Any] = []
    type: Literal["contract", "system"] = "contract"
    set: dict[str, Any] = {}

    def key(self) -> EventKey:
        """What events of this shape are looked up by."""
        return self.type, self.event, 1 + len(self.topics)


def compile_shape(entry: EventEntry) -> EventShape:
    """Compile an entry. Raises EntryFault."""
    fact = _fact(entry)
    topics = _fields("topics", enumerate(entry.topics))
    data = _data(entry.data)
    sources, constants = _sources(fact, [*topics, *data.fields], entry.set)
    return EventShape(topics, data, fact, sources, constants)


def _fact(entry: EventEntry) -> type[Fact]:
    fact = FACTS.get(entry.fact)
    if fact is None:
        raise EntryFault("fact", f"there is no {entry.fact!r}: give one of {', '.join(FACTS)}")
    scope = "stream" if issubclass(fact, StreamFact) else "contract"
    if scope != entry.scope:
        raise EntryFault("scope", f"{entry.fact} is about a {scope}: write {scope}")
    return fact


def _data(written: dict[str, Any]) -> DataShape:
    match list(written.items()):
        case [("value", value)]:
            return ValueShape((_field("data.value", value),))
        case [("vec", list(values))]:
            return VecShape(_fields("data.vec", enumerate(values)))
        case [("map", dict(values))]:
            closed = {key: value for key, value in values.items() if key != _FURTHER_KEYS}
            fields = _fields("data.map", closed.items())
            return MapShape(tuple(map(str, closed)), fields, _is_open(values))
    raise EntryFault("data", "give one of {value: ...}, {vec: [...]}, {map: {...}}")


def _is_open(values: dict[Any, Any]) -> bool:
    if values.get(_FURTHER_KEYS, ANY) != ANY:
        raise EntryFault(f"data.map[{_FURTHER_KEYS}]", "further keys may only be `any`")
    return _FURTHER_KEYS in values


def _fields(where: str, written: Iterable[tuple[object, object]]) -> tuple[Field, ...]:
    return tuple(_field(f"{where}[{key}]", value) for key, value in written)


def _field(where: str, written: object) -> Field:
    try:
        return parse_field(written)
    except ValueError as error:
        raise EntryFault(where, str(error)) from error


def _sources(
    fact: type[Fact], fields: Sequence[Field], constants: Mapping[str, Any]
) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """For each of the fact's own fields: its place among the found values, set ones, defaults."""
    kept = [field for field in fields if field.name is not None]
    own = msgspec.structs.fields(fact)[_PLACE_FIELDS:]
    defaults = {each.name: each.default for each in own if not each.required}
    given = [*(str(field.name) for field in kept), *constants]
    _check_names(fact, given, {each.name for each in own})
    _check_types(fact, kept, constants)
    names = [*given, *(name for name in defaults if name not in given)]
    for each in own:
        if each.name not in names:
            raise EntryFault("fact", f"{fact.__name__} needs {each.name}: name it, or set it")
    values = (*constants.values(), *(defaults[name] for name in names[len(given) :]))
    return tuple(names.index(each.name) for each in own), values


def _check_names(fact: type[Fact], given: Sequence[str], own: set[str]) -> None:
    for name in given:
        if name not in own:
            fix = f"{fact.__name__} has no field {name!r}: give one of {', '.join(sorted(own))}"
            raise EntryFault(name, fix)
        if given.count(name) > 1:
            raise EntryFault(name, "it is given twice: keep one")


def _check_types(fact: type[Fact], kept: Sequence[Field], constants: Mapping[str, object]) -> None:
    """Each value must be what the fact's annotation says."""
    hints = get_type_hints(fact)
    given = [(field.name, field.python) for field in kept]
    given += [(field.name, NoneType) for field in kept if field.optional]
    given += [(name, type(value)) for name, value in constants.items()]
    for name, kind in given:
        hint = hints[str(name)]
        if kind not in (get_args(hint) or (hint,)):
            fix = f"{fact.__name__}.{name} takes {hint}, not {kind.__name__}"
            raise EntryFault(str(name), fix)
