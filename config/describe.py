"""The settings for people to read: effective values with their layer, secrets masked."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from config.catalogue import entries, value_of
from config.fields import Reload
from config.layers import Loaded

MASK = "***"


@dataclass(frozen=True)
class SettingRow:
    """One line of `config show`."""

    key: str
    value: str
    layer: str
    unit: str
    reload: Reload
    meaning: str


def describe(loaded: Loaded) -> list[SettingRow]:
    """Every setting with its effective value, in declared order."""
    return [
        SettingRow(
            key=key,
            value=shown(value_of(loaded.settings, key)),
            layer=loaded.provenance[key],
            unit=entry.unit,
            reload=entry.reload,
            meaning=entry.meaning,
        )
        for key, entry in entries().items()
    ]


def shown(value: object) -> str:
    """A value as text; of a secret nothing, of a secret URL its scheme and host."""
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        fields = value.model_dump(exclude_none=True)
        return " ".join(f"{name}={text}" for name, text in fields.items())
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(shown(one) for one in value)
    return "" if value is None else str(value)


def _masked(secret: str) -> str:
    parts = urlsplit(secret) if "://" in secret else None
    if parts is None:
        return MASK
    if parts.scheme in ("sqlite", "memory"):
        return secret
    server = parts.netloc.rpartition("@")[2]
    user = f"{MASK}@" if "@" in parts.netloc else ""
    rest = f"/{MASK}" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{user}{server}{rest}"
