"""What a contract keeps of itself and of one stream, read from its entries by the profile's layout.

In: entry XDR as a node gave it. Out: plain values, or Undecodable with the field and what stands there.
Whatever the bytes, nothing else is raised: storage may be of another version, cut, or made up.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from ingest.errors import Undecodable
from ingest.profiles.fields import MISMATCH, TYPES
from ingest.profiles.storage import InstanceValue, PausesLayout, StorageLayout, StreamLayout
from ingest.reconcile.keys import entry_value
from ingest.scval import ScVal

_STATUS: Final = TYPES["stream_status"]
_ABSENT: Final[ScVal] = ("nothing", None)


class StoredPause(NamedTuple):
    """One record of a stream's pause history; `at`: unix seconds, `place`: in the vector, from 0."""

    is_pause: bool
    at: int
    place: int


class StoredStream(NamedTuple):
    """A stream as the contract keeps it."""

    status: str
    employer: str
    employee: str


class StoredAccrual(NamedTuple):
    """A stream's money as the contract keeps it: base units and unix seconds, see AccrualLayout."""

    token: str
    deposit: int
    withdrawn: int
    rate: int
    since: int
    stop: int
    cliff: int

    def claimable(self, at: int) -> int:
        """What the employee could take at a time (unix seconds); never less than nothing.

        Source: PayStream, calculate_claimable. The deposit caps it.
        """
        if at < self.cliff:
            return 0
        until = min(at, self.stop) if self.stop else at
        earned = max(0, until - self.since) * self.rate
        return max(0, min(earned, self.deposit - self.withdrawn))


class StoredContract(NamedTuple):
    """The contract's own state. `streams`: how many it counts, None where it does not."""

    paused: bool
    streams: int | None


def read_stream(layout: StreamLayout, key: bytes, entry: bytes) -> StoredStream:
    """Raises Undecodable."""
    fields = _struct(entry_value(key, entry), layout.key)
    status = _taken(fields, layout.status, _STATUS.kind)
    converted = MISMATCH if _STATUS.convert is None else _STATUS.convert(status)
    if not isinstance(converted, str):
        raise Undecodable(f"{layout.status} is no status that we know")
    return StoredStream(
        converted,
        _taken(fields, layout.employer, "address"),
        _taken(fields, layout.employee, "address"),
    )


def read_accrual(layout: StreamLayout, key: bytes, entry: bytes) -> StoredAccrual:
    """What the stream keeps of its money. Raises Undecodable, also where the layout says nothing of it."""
    money = layout.accrual
    if money is None:
        raise Undecodable("the profile does not say how pay is kept")
    fields = _struct(entry_value(key, entry), layout.key)
    return StoredAccrual(
        token=_taken(fields, money.token, "address"),
        deposit=_taken(fields, money.deposit, "i128"),
        withdrawn=_taken(fields, money.withdrawn, "i128"),
        rate=_taken(fields, money.rate, "i128"),
        since=_taken(fields, money.since, "u64"),
        stop=_taken(fields, money.stop, "u64"),
        cliff=_taken(fields, money.cliff, "u64"),
    )


def read_pauses(
    layout: PausesLayout, key: bytes, entry: bytes, *, stream_id: int, latest: int
) -> list[StoredPause]:
    """The records in their order. `latest`: no record can be later, unix seconds. Raises Undecodable."""
    kind, items = entry_value(key, entry)
    if kind != "vec":
        raise Undecodable(f"{layout.key} is a {kind}, not a vec")
    records = [_record(layout, item, place, stream_id) for place, item in enumerate(items or [])]
    for before, record in pairwise(records):
        if record.at < before.at:
            raise Undecodable(f"record {record.place} of {layout.key} is before the one before it")
    if records and records[-1].at > latest:
        raise Undecodable(f"record {records[-1].place} of {layout.key} is in the future")
    return records


def _record(layout: PausesLayout, item: ScVal, place: int, stream_id: int) -> StoredPause:
    name = f"record {place} of {layout.key}"
    fields = _struct(item, name)
    whose = stream_id if layout.stream_id is None else _taken(fields, layout.stream_id, "u64")
    if whose != stream_id:
        raise Undecodable(f"{name} is of stream {whose}")
    return StoredPause(
        _taken(fields, layout.is_pause, "bool"), _taken(fields, layout.at, "u64"), place
    )


def read_contract(layout: StorageLayout, key: bytes, entry: bytes) -> StoredContract:
    """Raises Undecodable."""
    _, pairs = _instance(key, entry)
    held = _by_variant(pairs or [])
    counted = layout.instance.streams
    return StoredContract(
        _instance_value(held, layout.instance.paused, "bool"),
        None if counted is None else _instance_value(held, counted, "u64"),
    )


def wasm_of(key: bytes, entry: bytes) -> str | None:
    """Hex hash of the code that the contract runs; None: no wasm. Raises Undecodable."""
    (executable, wasm), _ = _instance(key, entry)
    return wasm.hex() if executable == "wasm" else None


def _instance(key: bytes, entry: bytes) -> Any:
    kind, content = entry_value(key, entry)
    if kind != "contract_instance":
        raise Undecodable(f"a {kind} stands where the contract's instance should")
    return content


def _by_variant(pairs: list[tuple[ScVal, ScVal]]) -> dict[str, ScVal]:
    """Values under keys that are unit variants, `Vec[Symbol]`."""
    found: dict[str, ScVal] = {}
    for key, value in pairs:
        match key:
            case ("vec", [("symbol", str(variant))]):
                found[variant] = value
    return found


def _instance_value(held: Mapping[str, ScVal], value: InstanceValue, kind: str) -> Any:
    under = held.get(value.key, _ABSENT)
    if under is _ABSENT and value.absent is not None:
        return value.absent
    if value.field is None:
        return _of_kind(under, kind, value.key)
    return _taken(_struct(under, value.key), value.field, kind)


def _struct(value: ScVal, name: str) -> dict[str, ScVal]:
    kind, pairs = value
    if kind != "map":
        raise Undecodable(
            f"{name} is a {kind}, not a map" if value is not _ABSENT else f"no {name}"
        )
    return {key[1]: each for key, each in pairs or [] if key[0] == "symbol"}


def _taken(fields: Mapping[str, ScVal], name: str, kind: str) -> Any:
    return _of_kind(fields.get(name, _ABSENT), kind, name)


def _of_kind(value: ScVal, kind: str, name: str) -> Any:
    if value[0] != kind:
        raise Undecodable(
            f"no {name}" if value is _ABSENT else f"{name} is a {value[0]}, not a {kind}"
        )
    return value[1]
