"""What a layer gives: the values of one environment's file, or of the variables PAUSEWIRE_*.

In: a YAML file of the package, or a process's environment.
Out: values by key, each with the name of its layer, and the faults met while reading.
Next: layers.py merges and validates them.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from config.catalogue import ENVIRONMENT_KEY, PREFIX, SettingEntry, variable_of
from config.errors import Fault

FILE_SUFFIX = "_FILE"
TEST_PREFIX = "PAUSEWIRE_TEST_"  # kill points and the servers of the tests; never settings


@dataclass(frozen=True)
class Given:
    """A value as a layer gives it, and that layer's name."""

    value: object
    layer: str


@dataclass(frozen=True)
class Reading:
    """All that one layer gives."""

    values: dict[str, Given] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def unknown_setting(key: str, layer: str, known: Iterable[str]) -> Fault:
    """The fault of a name that is no setting, with the nearest one that is."""
    near = difflib.get_close_matches(key, known, n=1)
    fix = f"did you mean {near[0]}?" if near else "remove it; docs/settings.md lists all settings"
    return Fault(key, "there is no such setting", layer, fix)


def read_file(file: Traversable, catalogue: Mapping[str, SettingEntry]) -> Reading:
    """Read an environment's file: sections with fields, or single fields."""
    reading = Reading()
    layer = f"file config/environments/{file.name}"
    try:
        document = dict(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
        problem = f"the file does not hold sections: {error}".replace("\n", " ")
        reading.faults.append(Fault(ENVIRONMENT_KEY, problem, layer, "mend the file"))
        return reading
    for name, value in document.items():
        fields = value.items() if isinstance(value, dict) else [("", value)]
        for field_name, given in fields:
            key = f"{name}.{field_name}" if field_name else str(name)
            if key in catalogue:
                reading.values[key] = Given(given, layer)
            else:
                reading.faults.append(unknown_setting(key, layer, catalogue))
    return reading


def read_variables(environ: Mapping[str, str], catalogue: Mapping[str, SettingEntry]) -> Reading:
    """Read the variables PAUSEWIRE_*, and the files that PAUSEWIRE_*_FILE name for secrets."""
    reading = Reading()
    by_variable = {entry.variable: entry for entry in catalogue.values()}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        if variable.startswith(TEST_PREFIX):
            continue
        entry = by_variable.get(variable)
        if entry is not None:
            _take(reading, entry, environ[variable], f"env {variable}")
            continue
        entry = by_variable.get(variable.removesuffix(FILE_SUFFIX))
        if entry is not None and entry.secret:
            _take_file(reading, entry, variable, environ)
        else:
            reading.faults.append(unknown_setting(variable, f"env {variable}", by_variable))
    return reading


def _take_file(
    reading: Reading, entry: SettingEntry, variable: str, environ: Mapping[str, str]
) -> None:
    layer = f"env {variable}"
    if entry.variable in environ:
        reading.faults.append(
            Fault(entry.key, f"{entry.variable} is set too", layer, "set one of the two")
        )
        return
    try:
        text = Path(environ[variable]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = f"let {variable} name a readable text file"
        reading.faults.append(Fault(entry.key, f"the file cannot be read: {error}", layer, fix))
        return
    _take(reading, entry, text.rstrip("\r\n"), layer)


def _take(reading: Reading, entry: SettingEntry, text: str, layer: str) -> None:
    """Keep a variable's text: lists are JSON, an empty text clears what may be empty."""
    value: object = text
    if entry.is_list:
        try:
            value = json.loads(text or "[]")
        except json.JSONDecodeError as error:
            problem = f"not JSON: {error.msg} at column {error.colno}"
            fix = f"""give a JSON list: {variable_of(entry.key)}='["…"]'"""
            reading.faults.append(Fault(entry.key, problem, layer, fix))
            return
    elif entry.optional and not text:
        value = None
    reading.values[entry.key] = Given(value, layer)
