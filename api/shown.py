"""How rows are shown: columns as JSON carries them, and models that a row fills by its names."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def from_seconds(unix_seconds: int | None) -> datetime | None:
    """A ledger's close time; None also for a number that no calendar has (storage may say anything)."""
    if unix_seconds is None:
        return None
    try:
        return datetime.fromtimestamp(unix_seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def from_micros(micros: int | None) -> datetime | None:
    """A time of our own clock."""
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def rfc3339(unix_seconds: int) -> str:
    """A time of whole seconds as text."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat().replace("+00:00", "Z")


def digits(number: int | None) -> str | None:
    """A number beyond 2^53 as JSON carries it."""
    return None if number is None else str(int(number))


# Columns as answers carry them. LedgerTime: unix seconds; OurTime: microseconds.
LedgerTime = Annotated[datetime | None, BeforeValidator(from_seconds)]
OurTime = Annotated[datetime, BeforeValidator(from_micros)]
OurTimeIfAny = Annotated[datetime | None, BeforeValidator(from_micros)]
Digits = Annotated[str, BeforeValidator(digits)]
DigitsIfAny = Annotated[str | None, BeforeValidator(digits)]
TextIfAny = Annotated[str | None, BeforeValidator(lambda text: text or None)]


def example(**fields: Any) -> ConfigDict:
    """The model's example in OpenAPI."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Documented(BaseModel):
    """A whole answer or body: it has an example in OpenAPI (openapi.py puts it there)."""


class Shown(BaseModel):
    """Part of an answer that a row of the same column names is shown as."""

    model_config = ConfigDict(from_attributes=True)
