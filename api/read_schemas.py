"""Who read what, as auditors ask for it and are shown it."""

from typing import Annotated, Final, Self

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, model_validator

from api.parameters import ContractFilter, PointInTime, StreamIdFilter, plain_text
from api.shown import DigitsIfAny, Documented, OurTime, Shown, example

_MICROS: Final = 1_000_000


class ReadFilters(BaseModel):
    """Which reads are asked for; filters add up."""

    since: PointInTime = Field(None, description="reads since then; RFC 3339")
    key: Annotated[str | None, AfterValidator(plain_text)] = Field(
        None, description="reads by this key, or session: its id"
    )
    contract_id: ContractFilter = Field(
        None, description="reads about this contract and its streams"
    )
    stream_id: StreamIdFilter = Field(None, description="of them, reads about this stream")

    @property
    def since_micros(self) -> int | None:
        """As the log has it."""
        return None if self.since is None else max(0, int(self.since.timestamp() * _MICROS))

    @model_validator(mode="after")
    def _stream_of_a_contract(self) -> Self:
        if self.stream_id is not None and self.contract_id is None:
            raise ValueError("give contract_id with stream_id")
        return self


class ReadEntry(Shown):
    """One question that a key or a session asked, and how it ended."""

    at: OurTime
    actor: str = Field(description="id of the key or session")
    account_lookup: str | None = Field(
        description="keyed hash of the account that a session or a bound key acts for; never the account"
    )
    route: str = Field(description="the address asked, as in this document")
    contract_id: str | None
    stream_id: DigitsIfAny
    about: str | None = Field(description="other ids in the address")
    status: int = Field(description="HTTP status of the answer")
    client: str | None = Field(description="the address that it came from")


class ReadsPage(Documented):
    """A page of reads, newest first."""

    model_config = example(
        items=[
            {
                "at": "2026-03-02T09:20:00.000000Z",
                "actor": "3f9a1c7be024",
                "account_lookup": None,
                "route": "/v1/streams/{contract_id}/{stream_id}/pauses",
                "contract_id": "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC",
                "stream_id": "7",
                "about": None,
                "status": 200,
                "client": "203.0.113.7",
            }
        ],
        next_cursor=None,
    )

    items: list[ReadEntry]
    next_cursor: str | None


ReadFiltersQuery = Annotated[ReadFilters, Query()]
