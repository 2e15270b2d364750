"""What people see and change of themselves."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.delivery_schemas import DeliveryState
from api.schemas import CONTRACT, EMPLOYEE, PAUSE_EVENT, PAUSED_AT
from api.shown import (
    DigitsIfAny,
    Documented,
    LedgerTime,
    OurTime,
    OurTimeIfAny,
    Shown,
    example,
)

_CONTACT: Final[dict[str, Any]] = {
    "contact_id": "5a0c1f6e-9a1b-4f0e-8f44-0d2a5b1f6a10",
    "channel": "email",
    "hint": "an…@example.org",
    "verified_at": None,
    "created_at": "2026-03-02T09:20:00.000000Z",
    "code": "sent",
    "suppressed": [],
}
_TOLD_AT: Final = "2026-03-02T09:15:02.250000Z"

ContactChannel = Literal["email", "sms", "push"]


class Me(Documented):
    """Who asks, as we know them."""

    model_config = example(
        account_id=EMPLOYEE, language="en", unread=1, verified_contacts=1, session=True
    )

    account_id: str
    language: str = Field(description="of notices and letters")
    unread: int = Field(description="notices not read yet")
    verified_contacts: int
    session: bool = Field(description="signed in with a wallet; false: by a key")


class ChangeMe(Documented):
    """What is to change."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"language": "pt-BR"}]}
    )

    language: Annotated[
        str,
        Field(
            pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
            max_length=35,
            description="a tag such as en or pt-BR; the nearest language that we speak is used",
        ),
    ]


class Against(Shown):
    """A reason for which nothing goes to a place."""

    reason: Literal["hard_bounce", "complaint", "stop", "unsubscribed", "operator"]
    since: OurTime = Field(description="when it was said, the last time")
    undone_by: Literal["code", "start", "operator"] = Field(
        description="what takes it back: a code sent there (`…/prove`), START texted from the number, the"
        " operator"
    )


class MyContact(Shown):
    """A place that may be told; only a verified one is, unless something stands against it."""

    contact_id: UUID
    channel: ContactChannel
    hint: str = Field(description="enough of the place to know it again")
    verified_at: OurTimeIfAny
    created_at: OurTime
    code: str | None = Field(
        description="how the newest code fares: pending, sent, failed, withheld …; null: none is asked for"
    )
    suppressed: list[Against] = Field(
        description="why nothing goes there, the newest reason first; empty: it does, or is not verified"
    )


class MyContacts(Documented):
    """All contacts of the account, oldest first."""

    model_config = example(contacts=[_CONTACT])

    contacts: list[MyContact]


class ContactAnswer(Documented):
    """A contact."""

    model_config = example(contact=_CONTACT)

    contact: MyContact


class AddContact(Documented):
    """A place to be told at."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"channel": "email", "destination": "ana@example.org"}]},
    )

    channel: ContactChannel
    destination: str = Field(
        min_length=1,
        max_length=4_000,
        description=(
            "an email address, a phone number (+ and digits), `ntfy:<topic>`, or a web-push subscription as"
            " the browser's `JSON.stringify(subscription)` gives it"
        ),
    )


class VerifyContact(Documented):
    """The code that came there."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "040917"}]})

    code: str = Field(pattern=r"^[0-9]{6}$", description="six digits")


class MyDelivery(BaseModel):
    """A notice on one channel."""

    channel: str
    state: DeliveryState
    reason: str | None
    accepted_at: OurTimeIfAny
    delivered_at: OurTimeIfAny


class MyNotification(Shown):
    """What was told, and what became of it on each channel."""

    notice_id: UUID
    kind: str
    contract_id: str
    stream_id: DigitsIfAny
    cause_event_id: str
    happened_at: LedgerTime = Field(validation_alias="closed_at", description="ledger close")
    told_at: OurTime = Field(validation_alias="planned_at")
    read_at: OurTimeIfAny
    deliveries: list[MyDelivery]


class MyNotifications(Documented):
    """A page of what was told, newest first."""

    model_config = example(
        items=[
            {
                "notice_id": "7f0c3a52-9c1e-4c55-9f59-0d2a5b1f6a10",
                "kind": "paused",
                "contract_id": CONTRACT,
                "stream_id": "7",
                "cause_event_id": PAUSE_EVENT,
                "happened_at": PAUSED_AT,
                "told_at": _TOLD_AT,
                "read_at": None,
                "deliveries": [
                    {
                        "channel": "email",
                        "state": "accepted",
                        "reason": None,
                        "accepted_at": "2026-03-02T09:15:02.470000Z",
                        "delivered_at": None,
                    }
                ],
            }
        ],
        next_cursor=None,
    )

    items: list[MyNotification]
    next_cursor: str | None


class MyAccess(Shown):
    """One thing that was done, or read, about the account."""

    at: OurTime
    action: str = Field(
        description="signed_in, contact_added, contact_verified, contact_replaced, suppressed, …"
    )
    actor: str = Field(
        description="id of the session or key, or by whose word: `operator`, `import`, `stop`, `link` …"
    )
    about: str | None = Field(description="ids, never a destination")
    client: str | None = Field(description="the address that it came from")


class MyAccesses(Documented):
    """A page of the account's access log, newest first."""

    model_config = example(
        items=[
            {
                "at": "2026-03-02T09:20:00.000000Z",
                "action": "contact_verified",
                "actor": "session_5f0c6a1d9b2e4c7f8a3d1e6b4c9f0a72",
                "about": "email 5a0c1f6e-9a1b-4f0e-8f44-0d2a5b1f6a10",
                "client": "203.0.113.7",
            }
        ],
        next_cursor=None,
    )

    items: list[MyAccess]
    next_cursor: str | None
