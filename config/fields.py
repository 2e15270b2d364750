"""How a setting is declared: its default, meaning, unit, and when a change of it takes effect."""

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Reload = Literal["hot", "restart", "never"]


class Section(BaseModel):
    """A group of settings. Frozen; an unknown name is a fault, never ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        hide_input_in_errors=True,
    )


def setting(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    reload: Reload = "restart",
    **limits: Any,
) -> Any:
    """Declare one setting; `limits` are pydantic's ge, gt, le, lt.

    reload: `hot` may change in a running process; `restart` counts from the next start;
    `never` belongs to the stored data and cannot change while that data lives.
    """
    return Field(
        default,
        description=meaning,
        json_schema_extra={"unit": unit, "reload": reload},
        **limits,
    )


def seconds(default: float, meaning: str, *, at_most: float, reload: Reload = "restart") -> Any:
    """Declare a time span in seconds: more than 0, at most `at_most`."""
    return setting(default, meaning, unit="seconds", reload=reload, gt=0, le=at_most)


def tcp_port(default: int, meaning: str) -> Any:
    """Declare a TCP port; 0 asks the system for a free one."""
    return setting(default, meaning, unit="TCP port", ge=0, le=65_535)


def checked_url(text: str, *schemes: str, host: bool = True) -> str:
    """Check a URL's scheme and host. Raises ValueError that names the schemes, never the URL."""
    parts = urlsplit(text)
    if parts.scheme not in schemes or (host and not parts.hostname):
        raise ValueError(f"give a URL that starts with {' or '.join(f'{s}://' for s in schemes)}")
    return text


def checked_secret_url(secret: SecretStr, *schemes: str, host: bool = True) -> SecretStr:
    """Check a URL that may carry a password or a key."""
    checked_url(secret.get_secret_value(), *schemes, host=host)
    return secret
