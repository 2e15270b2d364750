"""What callers say and see of outgoing webhooks; a secret is shown when it is made, never again."""

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.schemas import CONTRACT
from api.shown import DigitsIfAny, Documented, OurTime, OurTimeIfAny, example
from domain import values
from domain.errors import InvalidValue
from notifier.news import KINDS

WEBHOOK: Final = "5c2d9a34-3a3b-4a63-8c0e-0b6a5a2f1d10"
_SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 # an example
_MOST_U64: Final = 2**64 - 1
_LONGEST_WORDS: Final = 200

Kind = Literal[
    "paused",
    "resumed",
    "cancelled",
    "cancelled_while_paused",
    "contract_paused",
    "contract_resumed",
    "revised",
    "correction",
]


def _words(text: str) -> str:
    if not text.isprintable():
        raise InvalidValue("description", "", "give printable characters on one line")
    return text.strip()


def _stream(text: str) -> str:
    if not text.isascii() or not text.isdigit() or int(text) > _MOST_U64:
        raise InvalidValue("stream_id", "", "give a whole number from 0 to 2^64-1, as text")
    return text


class NewWebhook(Documented):
    """A subscription that is asked for. Filters add up; without any, all news is posted."""

    model_config = ConfigDict(extra="forbid") | example(
        url="https://payroll.example/hooks/pausewire",
        contract_id=CONTRACT,
        kinds=["paused", "resumed"],
    )

    url: str = Field(max_length=2000, description="where to post to, https")
    contract_id: Annotated[str, AfterValidator(values.contract_id)] | None = Field(
        None, description="news of this contract and its streams only"
    )
    stream_id: Annotated[str, Field(max_length=20), AfterValidator(_stream)] | None = Field(
        None, description="news of this stream only; needs `contract_id`"
    )
    account: (
        Annotated[str, AfterValidator(lambda text: values.account_id(text, "account"))] | None
    ) = Field(None, description="only what this account is told, be it employer or employee")
    kinds: list[Kind] = Field(
        default_factory=list, max_length=len(KINDS), description="these kinds only; none: all"
    )
    description: Annotated[str, Field(max_length=_LONGEST_WORDS), AfterValidator(_words)] | None = (
        Field(None, description="what it is for, in your words")
    )

    @model_validator(mode="after")
    def _a_stream_has_a_contract(self) -> Self:
        if self.stream_id is not None and self.contract_id is None:
            raise ValueError("stream_id: name its contract_id too")
        return self


_SHOWN: Final[dict[str, Any]] = {
    "webhook_id": WEBHOOK,
    "url": "https://payroll.example/hooks/pausewire",
    "contract_id": CONTRACT,
    "stream_id": None,
    "account": None,
    "kinds": ["paused", "resumed"],
    "description": None,
    "state": "active",
    "reason": None,
    "failures": 0,
    "failing_since": None,
    "secrets": 1,
    "created_at": "2026-03-02T09:00:00Z",
    "changed_at": "2026-03-02T09:00:00Z",
}


class Webhook(BaseModel):
    """A subscription."""

    webhook_id: UUID
    url: str
    contract_id: str | None
    stream_id: DigitsIfAny
    account: str | None
    kinds: list[str] = Field(description="empty: all")
    description: str | None
    state: Literal["active", "disabled"]
    reason: str | None = Field(
        description="why it is disabled: `failing` for days, `gone` (the receiver said 410), `operator`"
    )
    failures: int = Field(description="tries that failed since the last one that did not")
    failing_since: OurTimeIfAny
    secrets: int = Field(description="how many secrets sign; two for a day after a rotation")
    created_at: OurTime
    changed_at: OurTime


class OneWebhook(Webhook, Documented):
    """A subscription, alone."""

    model_config = example(**_SHOWN)


class CreatedWebhook(Webhook, Documented):
    """A new subscription and its secret."""

    model_config = example(**_SHOWN, secret=_SECRET)

    secret: str = Field(description="checks the signatures; shown this once")


class WebhooksPage(Documented):
    """A page of subscriptions, oldest first."""

    model_config = example(items=[_SHOWN], next_cursor=None)

    items: list[Webhook]
    next_cursor: str | None


class RotatedSecret(Documented):
    """A new secret, which signs beside the one before for a day."""

    model_config = example(secret=_SECRET, previous_until="2026-03-03T09:00:00Z")

    secret: str
    previous_until: OurTime = Field(description="until then both sign")


class TestSent(Documented):
    """How a receiver took a post of the type `webhook.test`."""

    __test__ = False  # not a test of pytest's

    model_config = example(delivered=True, status_code=204, detail=None, milliseconds=41)

    delivered: bool
    status_code: int | None = Field(description="null: it did not answer")
    detail: str | None = Field(description="what it said, or what failed; cut")
    milliseconds: int


class EnabledWebhook(Documented):
    """A subscription that is active again."""

    model_config = example(webhook_id=WEBHOOK, state="active", revived=3)

    webhook_id: UUID
    state: Literal["active"]
    revived: int = Field(description="deliveries that waited and leave now")
