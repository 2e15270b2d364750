"""What a recipient's own inbox answers and takes."""

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from api.me_schemas import MyContact
from api.schemas import CONTRACT, PAUSE_EVENT, PAUSED_AT
from api.shown import DigitsIfAny, Documented, LedgerTime, OurTime, OurTimeIfAny, Shown, example

MOST_MARKED: Final = 200
_NOTICE: Final = "7f0c3a52-9c1e-4c55-9f59-0d2a5b1f6a10"


class InboxNotice(Shown):
    """One notice, in the recipient's language."""

    notice_id: UUID
    kind: str = Field(description="`paused`, `resumed`, `contract_paused`, `reminder`, `revised` …")
    subject: str
    text: str
    link: str | None = Field(description="where to look")
    contract_id: str
    stream_id: DigitsIfAny = Field(description="null: about the whole contract")
    cause_event_id: str = Field(description="the contract event that it tells of")
    late: bool = Field(description="we learned of it late")
    happened_at: LedgerTime = Field(validation_alias="closed_at", description="ledger close")
    told_at: OurTime = Field(
        validation_alias="planned_at", description="when it came into the inbox"
    )
    read_at: OurTimeIfAny


class InboxPage(Documented):
    """A page of the inbox, newest first."""

    model_config = example(
        items=[
            {
                "notice_id": _NOTICE,
                "kind": "paused",
                "subject": "Your pay stream 7 was paused",
                "text": "Your pay stream 7 was paused at 09:15 UTC on 2 March 2026.",
                "link": None,
                "contract_id": CONTRACT,
                "stream_id": "7",
                "cause_event_id": PAUSE_EVENT,
                "late": False,
                "happened_at": PAUSED_AT,
                "told_at": "2026-03-02T09:15:02.250000Z",
                "read_at": None,
            }
        ],
        next_cursor=None,
        unread=1,
        suppressed=[],
    )

    items: list[InboxNotice]
    next_cursor: str | None
    unread: int = Field(description="notices not read yet, on all pages")
    suppressed: list[MyContact] = Field(description="verified places that nothing goes to, and why")


class MarkRead(Documented):
    """Which notices were read: those named, or all."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"notice_ids": [_NOTICE]}]}
    )

    notice_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_MARKED)] | None = None
    all: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.notice_ids is None) == (not self.all):
            raise ValueError("give notice_ids, or all: true")
        return self


class MarkedRead(Documented):
    """What marking changed."""

    model_config = example(marked=1, unread=0)

    marked: int = Field(description="notices that were unread until now; others' are left alone")
    unread: int
