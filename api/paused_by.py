"""How answers say who paused: the account, and what it was to the stream then."""

from typing import Annotated, Literal

from pydantic import Field

PausedBy = Annotated[
    str | None,
    Field(
        description="who paused: by the transaction's authorization once `paused_by_role` is there, before"
        " that whom the pause event names (on PayStream the employer, also where a delegate signed)"
    ),
]
PausedByRole = Annotated[
    Literal["employer", "delegate", "authority", "stranger", "unknown"] | None,
    Field(
        description="what whoever paused was to the stream then; `stranger`: none of these, an anomaly;"
        " `unknown`: not enough is known to say; null: the transaction has not been read"
    ),
]
