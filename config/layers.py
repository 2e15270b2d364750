"""From layers to settings: defaults, then the environment's file, then environment variables.

In: what sources.py reads from `environments/<environment>.yaml` and from PAUSEWIRE_*.
Out: frozen settings, and for each key the layer that its value came from.
What is wrong is collected over all layers and raised once.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from typing import get_args

from pydantic import ValidationError

from config.catalogue import ENVIRONMENT_KEY, entries, variable_of
from config.errors import ConfigurationError, Fault
from config.rules import broken_rules
from config.settings import Environment, Settings
from config.sources import Given, read_file, read_variables

DEFAULT_LAYER = "default"


@dataclass(frozen=True)
class Loaded:
    """The settings, and where each value came from (key -> layer)."""

    settings: Settings
    provenance: Mapping[str, str]


def load(environ: Mapping[str, str] | None = None, files: Traversable | None = None) -> Loaded:
    """Load the settings of this process; `files` is the folder with the environments' files.

    Raises ConfigurationError with every fault of every layer.
    """
    loaded, faults = attempt(environ, files)
    if faults:
        raise ConfigurationError(faults)
    return loaded


def attempt(
    environ: Mapping[str, str] | None = None, files: Traversable | None = None
) -> tuple[Loaded, list[Fault]]:
    """The settings as far as they can be read, defaults where they are wrong, and every fault."""
    catalogue = entries()
    variables = read_variables(os.environ if environ is None else environ, catalogue)
    given: dict[str, Given] = {}
    faults: list[Fault] = []
    environment = _environment(variables.values)
    known = environment in get_args(Environment)
    if known:
        folder = files or package_files("config") / "environments"
        from_file = read_file(folder / f"{environment}.yaml", catalogue)
        given.update(from_file.values)
        faults.extend(from_file.faults)
    given.update(variables.values)
    faults.extend(variables.faults)
    layers = {key: given[key].layer if key in given else DEFAULT_LAYER for key in catalogue}
    settings, wrong = _validated(given)
    faults.extend(wrong)
    if known:
        faults.extend(_broken(settings, layers, {fault.key for fault in faults}))
    return Loaded(settings, layers), faults


def _environment(values: Mapping[str, Given]) -> object:
    default = Settings.model_fields[ENVIRONMENT_KEY].default
    return values[ENVIRONMENT_KEY].value if ENVIRONMENT_KEY in values else default


def _validated(given: Mapping[str, Given]) -> tuple[Settings, list[Fault]]:
    """Validate what was given; where it is wrong the default stands, so that the rules can go on."""
    try:
        return Settings.model_validate(_nested(given)), []
    except ValidationError as error:
        faults = [
            _fault(given, [str(part) for part in one["loc"]], one["msg"])
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    wrong = {fault.key for fault in faults}
    sound = {key: value for key, value in given.items() if key not in wrong}
    return Settings.model_validate(_nested(sound)), faults


def _nested(given: Mapping[str, Given]) -> dict[str, object]:
    sections: dict[str, dict[str, object]] = {}
    for key, one in given.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = one.value
    return sections.pop("", {}) | sections


def _fault(given: Mapping[str, Given], location: list[str], message: str) -> Fault:
    """A pydantic error as a fault; `location` goes on below the key inside lists and contracts."""
    key = location[0] if location[0] in given else ".".join(location[:2])
    inside = "".join(f"[{part}]" for part in location[key.count(".") + 1 :])
    problem = f"{inside} {message.removeprefix('Value error, ')}".strip()
    return Fault(key, problem, given[key].layer, f"correct it there, or set {variable_of(key)}")


def _broken(settings: Settings, layers: Mapping[str, str], wrong: set[str]) -> Iterable[Fault]:
    """Faults of the rules, but for settings that are wrong by themselves already."""
    return (
        Fault(rule.key, rule.problem, layers[rule.key], rule.fix)
        for rule in broken_rules(settings)
        if rule.key not in wrong
    )
