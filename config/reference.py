"""docs/settings.md, written from the settings themselves (`make docs`)."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePath

from pydantic import SecretStr

from config.catalogue import SettingEntry, entries
from config.settings import Settings

HEAD = """\
# Settings

Written by `make docs` from `config/`; do not edit.

A value comes from, the later winning: the **default** (which is production's), the environment's
**file** `config/environments/<environment>.yaml`, the **variable** `PAUSEWIRE_<SECTION>__<FIELD>`.
`database.url` is `PAUSEWIRE_DATABASE__URL`; lists and contracts are given as JSON; an empty
variable clears a setting that may be empty. A secret may come from a file instead:
`PAUSEWIRE_EMAIL__PASSWORD_FILE=/run/secrets/smtp`. Wrong settings stop the process, with all
faults at once; an unknown name is a fault. `pausewire config show` says where each value came from.

Reload: `hot` is safe to change in a running process, `restart` counts from the next start, `never`
belongs to stored data and stays. Nothing is changed in a running process yet: for now `hot`
counts from the next start, too.
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    for section, group in groupby(entries().values(), lambda entry: entry.key.rpartition(".")[0]):
        yield f"## {section or 'The process'}\n"
        if section:
            yield f"{Settings.model_fields[section].annotation.__doc__}\n"
        yield "| setting | default | type | unit | reload | meaning |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(entry) for entry in group)
        yield ""


def _row(entry: SettingEntry) -> str:
    default = _code(entry.default)
    cells = (f"`{entry.key}`", default, entry.kind, entry.unit, entry.reload, entry.meaning)
    return f"| {' | '.join(cells)} |"


def _code(value: object) -> str:
    """A default, as a variable would give it."""
    if value is None or value == ():
        return "none"
    if isinstance(value, SecretStr):
        return f"`{value.get_secret_value()}`"  # a default is in the source: no secret
    if isinstance(value, tuple):
        return ", ".join(_code(one) for one in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.as_posix() if isinstance(value, PurePath) else value}`"


if __name__ == "__main__":
    sys.stdout.write(markdown())
