"""The shape of one event, compiled: topics and data either fit, and give the fact's fields, or not."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from domain.facts import Fact
from ingest.profiles.fields import Field
from ingest.profiles.storage import StorageLayout, StreamLayout
from ingest.scval import ScVal

# What events are looked up by: their type, the name in topic 0, and the number of all topics. A plain
# tuple: a named one costs 0.2 us per event.
EventKey: TypeAlias = tuple[str, str, int]


class DataShape(Protocol):
    """What an event's value must look like."""

    @property
    def fields(self) -> Sequence[Field]:
        """Its values, in the order in which `read` keeps them."""
        ...

    def read(self, data: ScVal, found: list[Any]) -> bool:
        """Whether the data fit; what is kept of them is appended to `found`."""
        ...


class ValueShape(NamedTuple):
    """One value."""

    fields: tuple[Field]

    def read(self, data: ScVal, found: list[Any]) -> bool:
        """See DataShape."""
        return self.fields[0].take(data, found)


class VecShape(NamedTuple):
    """A Rust tuple: as many values, each of its type."""

    fields: tuple[Field, ...]

    def read(self, data: ScVal, found: list[Any]) -> bool:
        """See DataShape."""
        kind, items = data
        if kind != "vec" or items is None or len(items) != len(self.fields):
            return False
        for field, item in zip(self.fields, items, strict=True):  # noqa: SIM110 - all() costs half as much again
            if not field.take(item, found):
                return False
        return True


class MapShape(NamedTuple):
    """A Rust struct: symbol keys; optional ones may be absent. `open`: there may be further keys."""

    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    open: bool = False

    def read(self, data: ScVal, found: list[Any]) -> bool:
        """See DataShape."""
        kind, pairs = data
        if kind != "map" or pairs is None:
            return False
        values = {key[1]: value for key, value in pairs if key[0] == "symbol"}
        if len(values) != len(pairs) or not (self.open or values.keys() <= set(self.keys)):
            return False
        absent = ("void", None)
        return all(
            field.take(values.get(key, absent), found)
            for key, field in zip(self.keys, self.fields, strict=True)
        )


class EventShape(NamedTuple):
    """Topics behind the name, data, and the fact they make.

    `sources`: for each of the fact's own fields, where its value stands among those found in topics and
    data, followed by `constants`.
    """

    topics: tuple[Field, ...]
    data: DataShape
    fact: type[Fact]
    sources: tuple[int, ...]
    constants: tuple[Any, ...]

    def read(self, topics: Sequence[ScVal], data: ScVal) -> list[Any] | None:
        """The fact's own fields in order, or None where the event has another shape."""
        found: list[Any] = []
        for field, topic in zip(self.topics, topics, strict=True):
            if not field.take(topic, found):
                return None
        if not self.data.read(data, found):
            return None
        found += self.constants
        return [found[source] for source in self.sources]

    def kinds(self) -> object:
        """What the shape tells events by, without what it keeps of them: equal ones see the same."""
        keys = (self.data.keys, self.data.open) if isinstance(self.data, MapShape) else ()
        fields = (*self.topics, *self.data.fields)
        return (
            type(self.data),
            keys,
            [(field.kind, field.convert, field.optional, field.literal) for field in fields],
        )


class Section(NamedTuple):
    """How events read while the contract runs certain wasm.

    `of_no_concern`: known, and nothing to us. `unlisted_concern_us`: whether an event that is in
    neither list is quarantined. `storage`: what can be read back of the contract, if anything.
    """

    shapes: Mapping[EventKey, Sequence[EventShape]]
    of_no_concern: frozenset[EventKey]
    unlisted_concern_us: bool
    storage: StorageLayout | None = None


class Profile(NamedTuple):
    """A contract profile; `by_wasm`: sections for certain wasm hashes (hex) instead of the default.

    `label`: name@version, as stored with every outcome.
    """

    label: str
    default: Section
    by_wasm: Mapping[str, Section]

    def section(self, wasm: str | None) -> Section:
        """How events read under this wasm."""
        return self.default if wasm is None else self.by_wasm.get(wasm, self.default)

    def stream_layouts(self) -> list[StreamLayout]:
        """How streams are kept, by any version of the contract's code."""
        storages = (section.storage for section in (self.default, *self.by_wasm.values()))
        return [each.stream for each in storages if each is not None and each.stream is not None]
