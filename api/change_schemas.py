"""The history of what a person is told and where, as they read it."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.shown import Documented, OurTime, Shown, example

By = Literal[
    "page",
    "api",
    "import",
    "confirm_link",
    "unsubscribe_link",
    "stop",
    "provider",
    "operator",
]
What = Literal[
    "preferences",
    "contact_added",
    "contact_confirmed",
    "contact_replaced",
    "contact_removed",
    "suppressed",
    "lifted",
]


class ChangedField(BaseModel):
    """One field, as a roster spells it."""

    field: str = Field(
        description="language, time_zone, quiet_hours, urgent_pauses, pauses_only, off, one_by_one, order,"
        " digest, digest_at, or place"
    )
    before: str = Field(description="empty: nothing")
    after: str = Field(description="empty: nothing; of a place, enough to know it again")


class MyChange(Shown):
    """One change of what the account is told, or where."""

    change_id: UUID
    at: OurTime
    by: By = Field(validation_alias="author", description="by whose word")
    actor: str | None = Field(description="id of the session or key, where one changed it")
    what: What
    about: str | None = Field(
        description="the channel; of `suppressed` (nothing goes there) and `lifted`, its reason too"
    )
    changes: list[ChangedField]


class MyChanges(Documented):
    """A page of changes, newest first."""

    model_config = example(
        items=[
            {
                "change_id": "7f0c3a52-9c1e-4c55-9f59-0d2a5b1f6a10",
                "at": "2026-03-02T09:20:00.000000Z",
                "by": "page",
                "actor": "session_5f0c6a1d9b2e4c7f8a3d1e6b4c9f0a72",
                "what": "preferences",
                "about": None,
                "changes": [{"field": "quiet_hours", "before": "none", "after": "22:00-07:00"}],
            }
        ],
        next_cursor=None,
    )

    items: list[MyChange]
    next_cursor: str | None
