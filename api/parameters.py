"""What requests may carry, checked before any query sees it: ids, prefixes, points in time.

Every text that reaches a query is of a known alphabet, every number within its column: neither
database has to refuse what a stranger typed.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from domain import values
from domain.errors import InvalidValue

T = TypeVar("T")

_MOST_LEDGER: Final = 2**32 - 1  # a ledger's number is a u32
_EVENT: Final = re.compile(r"[A-Za-z0-9_.:|<>=~-]{1,200}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_LONGEST_U64: Final = 20
_LONGEST_PREFIX: Final = 56
_LONGEST_TIME: Final = 40


def _stream_id(text: object) -> int:
    if (
        not (isinstance(text, str) and text.isascii() and text.isdigit())
        or len(text) > _LONGEST_U64
    ):
        raise InvalidValue("stream_id", "", "give a whole number from 0 to 2^64-1")
    return values.u64(int(text), "stream_id")


def _position(text: object) -> int | None:
    """A position of the log; what EventSource sends before its first id is none."""
    if text == "":
        return None
    if (
        not (isinstance(text, str) and text.isascii() and text.isdigit())
        or len(text) > _LONGEST_U64
    ):
        raise InvalidValue("last_event_id", "", "give the id of a message of this feed, or none")
    return int(text)


def _prefix(text: str) -> str:
    if not text.isascii() or not text.isalnum() or len(text) > _LONGEST_PREFIX:
        raise InvalidValue("q", "", "give the first digits of a stream id or of an account id")
    return text


def _time(text: object) -> datetime:
    """RFC 3339 with its offset. A `+` that arrived as a space, as unescaped ones do, is understood."""
    if not isinstance(text, str) or len(text) > _LONGEST_TIME:
        raise InvalidValue("as_of", "", _TIME_FORM)
    try:
        time = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidValue("as_of", "", _TIME_FORM)


def event_name(text: str | None) -> str | None:
    """An event id: of the chain, or ours of what storage told."""
    if text is not None and not _EVENT.fullmatch(text):
        raise InvalidValue("event_id", "", "give the `event_id` of an answer")
    return text


def plain_text(text: str | None) -> str | None:
    """Words of our own tables: letters, digits, `-`, `_`, `.`, `:`."""
    if text is not None and not _PLAIN.fullmatch(text):
        raise InvalidValue("text", "", "give a name: at most 64 letters, digits, - _ . :")
    return text


def _party(field: str) -> Callable[[str], str]:
    return lambda text: values.account_id(text, field)


def _if_given(check: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else check(value)


_TIME_FORM: Final = "give a time such as 2026-03-02T09:15:00Z"

ContractIdPath = Annotated[
    str, AfterValidator(values.contract_id), Path(description="the contract's strkey, `C…`")
]
StreamIdPath = Annotated[
    int,
    BeforeValidator(_stream_id),
    Path(description="the contract's own number of the stream, u64"),
]
PauseOrder = Annotated[
    Literal["asc", "desc"],
    Query(alias="order", description="`desc`: newest first; `asc`: oldest first"),
]


ContractFilter = Annotated[str | None, AfterValidator(_if_given(values.contract_id))]
StreamIdFilter = Annotated[int | None, BeforeValidator(_if_given(_stream_id))]
PointInTime = Annotated[datetime | None, BeforeValidator(_if_given(_time))]


class StreamFilters(BaseModel):
    """Which streams are asked for; filters add up."""

    contract_id: ContractFilter = Field(None, description="streams of this contract")
    employer: Annotated[str | None, AfterValidator(_if_given(_party("employer")))] = Field(
        None, description="streams paid by this account"
    )
    employee: Annotated[str | None, AfterValidator(_if_given(_party("employee")))] = Field(
        None, description="streams paid to this account"
    )
    status: Literal["active", "paused", "cancelled", "exhausted", "unknown"] | None = Field(
        None, description="streams in this status; `unknown`: no event has told it"
    )
    q: Annotated[str | None, AfterValidator(_if_given(_prefix))] = Field(
        None,
        description="how a stream id or the employer's or employee's account id begins",
    )


class FeedFilters(BaseModel):
    """Which events are asked for; filters add up."""

    contract_id: ContractFilter = Field(None, description="events of this contract and its streams")
    stream_id: StreamIdFilter = Field(
        None, description="events of streams with this number; contract-wide ones have none"
    )
    employee: Annotated[str | None, AfterValidator(_if_given(_party("employee")))] = Field(
        None, description="events of streams paid to this account, and of giving one up"
    )


class AsOf(BaseModel):
    """A point in the chain's past; not both."""

    as_of: PointInTime = Field(
        None, description="as it was then: ledgers closed up to this time; RFC 3339"
    )
    as_of_ledger: int | None = Field(
        None, ge=1, le=_MOST_LEDGER, description="as it was then: ledgers up to this one"
    )

    @property
    def present(self) -> bool:
        """Nothing of the past is asked for."""
        return self.as_of is None and self.as_of_ledger is None

    @model_validator(mode="after")
    def _only_one(self) -> Self:
        if self.as_of is not None and self.as_of_ledger is not None:
            raise ValueError("give as_of or as_of_ledger, not both")
        return self


LastEventId = Annotated[int | None, BeforeValidator(_if_given(_position))]
FeedFiltersQuery = Annotated[FeedFilters, Query()]
StreamFiltersQuery = Annotated[StreamFilters, Query()]
AsOfQuery = Annotated[AsOf, Query()]
