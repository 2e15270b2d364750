"""Profile files (YAML) -> compiled profiles; every fault names file, line, event, field, fix.

A file holds `version`, `events` (their shapes), `of_no_concern` (known, nothing to us), `unlisted`
(what else arrives: `quarantine`, the default, or `of_no_concern`), `storage` (what can be read back:
storage.py), and `wasm`: sections that replace all these while the contract runs one of the given wasm
hashes; a section without `storage` keeps the file's.
"""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
import yaml

from ingest.errors import ProfileInvalid
from ingest.profiles.compiler import EntryFault, EventEntry, compile_shape
from ingest.profiles.faults import Faults
from ingest.profiles.shapes import EventKey, EventShape, Profile, Section
from ingest.profiles.storage import StorageLayout

# Part of every profile, no profile of its own.
HOST: Final = "host"
_SUFFIX: Final = ".yaml"

# An event's shape, what it is looked up by, and where it stands in the file.
_Placed: TypeAlias = tuple[EventKey, EventShape, list[str | int]]


class _NoConcernEntry(msgspec.Struct, forbid_unknown_fields=True):
    """An event that is known and of no concern; `arity` counts all topics."""

    event: str
    arity: Annotated[int, msgspec.Meta(ge=1)]
    type: Literal["contract", "system"] = "contract"


class _WasmEntry(msgspec.Struct, forbid_unknown_fields=True):
    """How events read under certain wasm hashes."""

    hashes: Annotated[
        list[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]], msgspec.Meta(min_length=1)
    ]
    events: list[Any]
    of_no_concern: list[_NoConcernEntry] = []
    storage: StorageLayout | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """A whole profile file; its events are read one by one, so that a fault can name its event."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    events: list[Any]
    of_no_concern: list[_NoConcernEntry] = []
    unlisted: Literal["quarantine", "of_no_concern"] = "quarantine"
    wasm: list[_WasmEntry] = []
    storage: StorageLayout | None = None


def packaged_profiles() -> Traversable:
    """The folder with the profiles that come with Pausewire."""
    return resources.files("ingest.profiles")


def profile_names(folder: Traversable) -> list[str]:
    """The profiles in a folder, by name."""
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))
    return sorted(stem for name in names if (stem := name.removesuffix(_SUFFIX)) != HOST)


def load_profile(name: str, folder: Traversable | None = None) -> Profile:
    """Load `name`.yaml, from the packaged profiles unless told otherwise. Raises ProfileInvalid."""
    profile, faults = read_profile(name, folder)
    if profile is None:
        raise faults[0]
    return profile


def read_profile(
    name: str, folder: Traversable | None = None
) -> tuple[Profile | None, list[ProfileInvalid]]:
    """The profile, or else what is wrong with it: the first fault of each event, in line order."""
    folder = folder or packaged_profiles()
    known = profile_names(folder)
    file = f"{name}{_SUFFIX}"
    if name not in known:
        fix = f"there is no such profile: give one of {', '.join(known)}"
        return None, [ProfileInvalid(file, "-", "name", fix)]
    try:
        read, faults = _read(folder / file)
    except ProfileInvalid as fault:
        return None, [fault]
    default = _section(read, read, faults, [])
    by_wasm = [
        _section(read, part, faults, ["wasm", number]) for number, part in enumerate(read.wasm)
    ]
    if faults.found:
        return None, faults.found
    sections = {
        wasm: section
        for part, section in zip(read.wasm, by_wasm, strict=True)
        for wasm in part.hashes
    }
    return Profile(f"{name}@{read.version}", default, sections), []


def _read(path: Traversable) -> tuple[_File, Faults]:
    """Raises ProfileInvalid."""
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
        faults = Faults(path.name, text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        raise ProfileInvalid(path.name, "-", "-", f"not YAML: {error}", line) from error
    try:
        return msgspec.convert(document, _File), faults
    except msgspec.ValidationError as error:
        problem, field = _fault_of(error)
        faults.note("-", field, problem, *_place(field))
        raise faults.found[0] from error


def _fault_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong, and in which field (`-`: the whole)."""
    problem, _, at = str(error).partition(" - at `")
    return problem, at.strip("`$.") or "-"


def _place(field: str) -> list[str | int]:
    """`wasm[0].hashes` -> wasm, 0, hashes."""
    steps = re.findall(r"[^.\[\]]+", field)
    return [int(step) if step.isdecimal() else step for step in steps]


def _section(
    file: _File, part: _File | _WasmEntry, faults: Faults, place: list[str | int]
) -> Section:
    """Compile a section, which stands at that place of the file."""
    host, _ = _read(packaged_profiles() / f"{HOST}{_SUFFIX}")
    shapes: list[_Placed] = []
    for at, written in enumerate(host.events):
        shapes += _shape(written, faults, [HOST, at])
    for at, written in enumerate(part.events):
        shapes += _shape(written, faults, [*place, "events", at])
    by_key: dict[EventKey, list[EventShape]] = {}
    for key, shape, where in shapes:
        alike = by_key.setdefault(key, [])
        if any(shape.kinds() == other.kinds() for other in alike):
            fix = "another event of this name has the same shape: remove one"
            faults.note(key[1], "data", fix, *where)
        alike.append(shape)
    ignored = {(each.type, each.event, each.arity): n for n, each in enumerate(part.of_no_concern)}
    for key in ignored.keys() & by_key.keys():
        fix = "it has a shape too: keep one"
        faults.note(key[1], "of_no_concern", fix, *place, "of_no_concern", ignored[key])
    unlisted_concern_us = file.unlisted == "quarantine"
    return Section(by_key, frozenset(ignored), unlisted_concern_us, part.storage or file.storage)


def _shape(written: object, faults: Faults, place: list[str | int]) -> list[_Placed]:
    """The shape of an event as written; none where it has a fault, which is noted."""
    name = written.get("event") if isinstance(written, dict) else None
    event = f"event {int(place[-1]) + 1} ({name})"
    try:
        entry = msgspec.convert(written, EventEntry)
        return [(entry.key(), compile_shape(entry), place)]
    except msgspec.ValidationError as error:
        problem, field = _fault_of(error)
    except EntryFault as fault:
        problem, field = fault.fix, fault.field
    faults.note(event, field, problem, *place, *_place(field))
    return []
