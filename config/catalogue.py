"""Every setting by its key: what the layers, `config show` and the reference page share."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.fields import Reload, Section
from config.settings import Settings

PREFIX = "PAUSEWIRE_"
ENVIRONMENT_KEY = "environment"


@dataclass(frozen=True)
class SettingEntry:
    """One setting: `key` is `section.field` or `field`, `variable` its environment variable."""

    key: str
    variable: str
    default: object
    kind: str
    meaning: str
    unit: str
    reload: Reload
    secret: bool
    optional: bool
    is_list: bool


def entries() -> dict[str, SettingEntry]:
    """All settings, in the order in which they are declared."""
    return {entry.key: entry for entry in _entries_of(Settings, "")}


def variable_of(key: str) -> str:
    """The environment variable of a setting: `database.url` is PAUSEWIRE_DATABASE__URL."""
    return PREFIX + key.upper().replace(".", "__")


def value_of(settings: Settings, key: str) -> object:
    """The effective value of a setting."""
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _entries_of(section: type[Section], prefix: str) -> Iterator[SettingEntry]:
    for name, field in section.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from _entries_of(annotation, f"{name}.")
        else:
            yield _entry(prefix + name, field)


def _entry(key: str, field: FieldInfo) -> SettingEntry:
    annotation = field.annotation
    metadata = cast("dict[str, Any]", field.json_schema_extra)
    return SettingEntry(
        key=key,
        variable=variable_of(key),
        default=field.default,
        kind=_kind(annotation),
        meaning=field.description or "",
        unit=metadata["unit"],
        reload=metadata["reload"],
        secret=SecretStr in _leaves(annotation),
        optional=NoneType in get_args(annotation),
        is_list=get_origin(annotation) is tuple,
    )


def _leaves(annotation: object) -> set[object]:
    """The types that an annotation is made of."""
    arguments = get_args(annotation)
    if not arguments:
        return {annotation}
    return {leaf for argument in arguments for leaf in _leaves(argument)}


def _kind(annotation: object) -> str:
    """A setting's type in an operator's words."""
    arguments = [one for one in get_args(annotation) if one not in (NoneType, Ellipsis)]
    origin = get_origin(annotation)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(one) for one in arguments))
    if arguments:
        return ", ".join(f"`{choice}`" for choice in arguments)
    return _KINDS[cast("type", annotation).__name__]


_KINDS = {
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "str": "text",
    "SecretStr": "secret text",
    "Path": "path",
    "ContractSettings": "contract",
    "IPv4Network": "network",
    "IPv6Network": "network",
}
