"""Where each secret is looked up, and whether it is there; never what it is.

In: a process's environment and the folder of secrets. Out: a place for each setting that is secret, also
where settings are wrong: that is when somebody asks.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from config.catalogue import SettingEntry, entries, value_of
from config.errors import Fault
from config.layers import DEFAULT_LAYER, Loaded, attempt
from config.platform_settings import decoded_master_key
from config.secrets import master_key_files
from config.sources import FILE_SUFFIX

MASTER_KEY: Final = "secrets.master_key"


class SecretPlace(NamedTuple):
    """One secret. `looked_up`: in this order, the first that has it counts; `found_in`: which that was.

    `problem`: what is wrong there. `present` None: it is in the database, which was not asked.
    """

    name: str
    looked_up: tuple[str, ...]
    present: bool | None
    found_in: str | None = None
    problem: str | None = None


def secret_places(environ: Mapping[str, str] | None = None) -> list[SecretPlace]:
    """The place of every setting that is secret, in declared order."""
    loaded, faults = attempt(os.environ if environ is None else environ)
    return [
        _master_key(entry, loaded, faults) if key == MASTER_KEY else _setting(entry, loaded, faults)
        for key, entry in entries().items()
        if entry.secret
    ]


def _setting(entry: SettingEntry, loaded: Loaded, faults: Iterable[Fault]) -> SecretPlace:
    file = f"file config/environments/{loaded.settings.environment}.yaml"
    problem = next((fault.problem for fault in faults if fault.key == entry.key), None)
    layer = loaded.provenance[entry.key]
    present = bool(value_of(loaded.settings, entry.key)) and layer != DEFAULT_LAYER
    looked_up = (*_variables(entry), file)
    return SecretPlace(entry.key, looked_up, present, layer if present else None, problem)


def _master_key(entry: SettingEntry, loaded: Loaded, faults: Iterable[Fault]) -> SecretPlace:
    """As config/secrets.py looks: the provider `file` does not heed the setting."""
    files = master_key_files(loaded.settings)
    variables = () if loaded.settings.secrets.provider == "file" else _variables(entry)
    looked_up = (*variables, *(f"file {path}" for path in files))
    given = _setting(entry, loaded, faults)._replace(looked_up=looked_up)
    if variables and (given.present or given.problem or not files):
        return given
    (path,) = files
    present, problem = _look_into(path)
    return SecretPlace(entry.key, looked_up, present, f"file {path}" if present else None, problem)


def _variables(entry: SettingEntry) -> tuple[str, str]:
    return f"env {entry.variable}", f"env {entry.variable}{FILE_SUFFIX}"


def _look_into(path: Path) -> tuple[bool, str | None]:
    """Whether a file has a master key, and what is wrong with one that is there; never its content."""
    try:
        decoded_master_key(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return False, None
    except UnicodeDecodeError:
        return False, "the file does not hold base64"
    except OSError as error:
        return False, f"the file cannot be read: {error.strerror}"
    except ValueError as error:
        return False, str(error)
    return True, None
