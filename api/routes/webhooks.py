"""Outgoing webhooks: subscribe, look, give a new secret, try out, switch off and on, end.

A key that is bound to an account keeps that account's own subscriptions and no others, one that is limited
to contracts those about one of them.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Path
from sqlalchemy import Connection, Row

from api.caller import Caller
from api.dependencies import KEYED, ApiDependencies, Reads, Serving, WebhooksKeeper
from api.pages import KeyInt, Keyset, page
from api.problems import (
    CONFLICT,
    INVALID_CURSOR,
    INVALID_REQUEST,
    NOT_FOUND,
    SCOPE_MISSING,
    Problem,
    documented,
)
from api.reading import Listed, Listing
from api.webhook_schemas import (
    CreatedWebhook,
    EnabledWebhook,
    NewWebhook,
    OneWebhook,
    RotatedSecret,
    TestSent,
    Webhook,
    WebhooksPage,
)
from notifier.channels.webhook import secret_text
from notifier.errors import NotAGuest, ReceiverRefused
from notifier.webhooks import subscriptions
from notifier.webhooks.subscriptions import OVERLAP_MICROS, Owner, Place, Wanted
from notifier.webhooks.trial import try_out
from store.clock import now_micros

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=KEYED)

T = TypeVar("T")
_WEBHOOKS: Final = Keyset("webhooks", tuple[KeyInt, UUID])
_UNKNOWN: Final = documented(NOT_FOUND)

WebhookId = Annotated[UUID, Path(description="the subscription's id")]


@router.get("", summary="Outgoing webhooks", responses=documented(INVALID_CURSOR))
async def webhooks(
    caller: WebhooksKeeper, given: Serving, snapshot: Reads, listed: Listed
) -> WebhooksPage:
    """Oldest first; secrets are not shown again."""
    return await snapshot.read(partial(_page, given, caller, listed))


@router.post("", summary="Subscribe", status_code=201)
async def subscribe(caller: WebhooksKeeper, given: Serving, wanted: NewWebhook) -> CreatedWebhook:
    """Post each notice that fits the filters to a URL, signed by Standard Webhooks.

    News of one stream arrives in order. The answer has the secret that checks signatures.
    """
    _check(caller, given, wanted)
    return await _write(given, partial(_create, given, caller, wanted))


@router.get("/{webhook_id}", summary="One webhook", responses=_UNKNOWN)
async def one_webhook(
    caller: WebhooksKeeper, given: Serving, snapshot: Reads, webhook_id: WebhookId
) -> OneWebhook:
    """A subscription and how its receiver fares."""
    row = await snapshot.read(lambda conn: own_row(conn, given, caller, webhook_id))
    return OneWebhook.model_validate(_shown(given, row))


@router.delete("/{webhook_id}", summary="End a subscription", status_code=204, responses=_UNKNOWN)
async def unsubscribe(caller: WebhooksKeeper, given: Serving, webhook_id: WebhookId) -> None:
    """Nothing more is posted; URL and secrets are destroyed, the log of deliveries stays."""

    def end(conn: Connection) -> None:
        own_row(conn, given, caller, webhook_id)
        subscriptions.delete(conn, webhook_id, now_micros())

    await _write(given, end)


@router.post("/{webhook_id}/rotate", summary="Make a new secret", responses=_UNKNOWN)
async def rotate(caller: WebhooksKeeper, given: Serving, webhook_id: WebhookId) -> RotatedSecret:
    """For a day both secrets sign: change the receiver in that time."""
    now = now_micros()

    def change(conn: Connection) -> bytes:
        row = own_row(conn, given, caller, webhook_id)
        return subscriptions.rotate(conn, given.vault, row, now)

    key = await _write(given, change)
    return RotatedSecret.model_validate(
        {"secret": secret_text(key), "previous_until": now + OVERLAP_MICROS}
    )


@router.post(
    "/{webhook_id}/test", summary="Try a receiver out", responses=documented(NOT_FOUND, CONFLICT)
)
async def test_send(
    caller: WebhooksKeeper, given: Serving, snapshot: Reads, webhook_id: WebhookId
) -> TestSent:
    """Post a `webhook.test` now, once, and tell how it went. A disabled subscription is tried too.

    Outside production only receivers on the guest list are posted to (`guests.places`).
    """
    row = await snapshot.read(lambda conn: own_row(conn, given, caller, webhook_id))
    try:
        trial = await try_out(given.webhooks, given.vault, given.guests, row)
    except NotAGuest as error:
        raise Problem(CONFLICT, str(error)) from error
    return TestSent(**trial._asdict())


@router.post("/{webhook_id}/disable", summary="Switch off", responses=_UNKNOWN)
async def disable(caller: WebhooksKeeper, given: Serving, webhook_id: WebhookId) -> OneWebhook:
    """Nothing is posted or kept for it until it is enabled; twice is once."""

    def change(conn: Connection) -> Row[Any]:
        own_row(conn, given, caller, webhook_id)
        subscriptions.disable(conn, webhook_id, subscriptions.OPERATOR, now_micros())
        return own_row(conn, given, caller, webhook_id)

    return OneWebhook.model_validate(_shown(given, await _write(given, change)))


@router.post(
    "/{webhook_id}/enable", summary="Switch on again", responses=documented(NOT_FOUND, CONFLICT)
)
async def enable(caller: WebhooksKeeper, given: Serving, webhook_id: WebhookId) -> EnabledWebhook:
    """What waited for it when it was switched off, and is not too late, leaves now, in order.

    What happened while it was off was not kept for it: read `/v1/feed` from the last `position` it got.
    """

    def change(conn: Connection) -> int:
        row = own_row(conn, given, caller, webhook_id)
        if row.state == subscriptions.ACTIVE:
            raise Problem(CONFLICT, "the webhook is active")
        return subscriptions.enable(conn, given.database.bell, webhook_id, now_micros())

    revived = await _write(given, change)
    return EnabledWebhook(webhook_id=webhook_id, state="active", revived=revived)


def owned_by(caller: Caller) -> Owner:
    """Whose subscriptions a key keeps."""
    return Owner(caller.account_id, caller.contracts)


def _check(caller: Caller, given: ApiDependencies, wanted: NewWebhook) -> None:
    if caller.account_id is not None and wanted.account != caller.account_id:
        raise Problem(
            SCOPE_MISSING,
            f"the API key is bound to an account: give account={caller.account_id}",
            scope="webhooks:write",
        )
    if caller.contracts is not None and wanted.contract_id not in caller.contracts:
        raise Problem(
            SCOPE_MISSING,
            f"the API key is limited to contracts: give contract_id={' or '.join(caller.contracts)}",
            scope="webhooks:write",
        )
    try:
        given.webhooks.rules.check_url(wanted.url)
    except ReceiverRefused as error:
        fault = {"field": "body.url", "problem": str(error)}
        raise Problem(INVALID_REQUEST, "wrong: body.url", errors=[fault]) from error


def _create(
    given: ApiDependencies, caller: Caller, wanted: NewWebhook, conn: Connection
) -> CreatedWebhook:
    webhook_id, key = subscriptions.create(
        conn,
        given.vault,
        Wanted(
            url=wanted.url,
            contract_id=wanted.contract_id,
            stream_id=None if wanted.stream_id is None else int(wanted.stream_id),
            account_id=wanted.account,
            kinds=tuple(dict.fromkeys(wanted.kinds)),
            description=wanted.description,
        ),
        owner=owned_by(caller),
        now=now_micros(),
    )
    row = own_row(conn, given, caller, webhook_id)
    return CreatedWebhook.model_validate(_shown(given, row) | {"secret": secret_text(key)})


def _page(
    given: ApiDependencies, caller: Caller, listed: Listing, conn: Connection
) -> WebhooksPage:
    after = _WEBHOOKS.after(listed.cursor)
    place = None if after is None else Place(*after)
    query = subscriptions.listing(
        given.vault, owned_by(caller), after=place, limit=listed.limit + 1
    )
    rows, next_cursor = page(
        conn.execute(query).all(),
        listed.limit,
        _WEBHOOKS,
        lambda row: (row.created_at, row.webhook_id),
    )
    items = [Webhook.model_validate(_shown(given, row)) for row in rows]
    return WebhooksPage(items=items, next_cursor=next_cursor)


def own_row(conn: Connection, given: ApiDependencies, caller: Caller, webhook_id: UUID) -> Row[Any]:
    """The caller's own subscription. Raises Problem."""
    query = subscriptions.one(given.vault, owned_by(caller), webhook_id)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND, f"no webhook {webhook_id} is known")
    return row


def _shown(given: ApiDependencies, row: Row[Any]) -> dict[str, Any]:
    private = subscriptions.open_private(given.vault, row)
    return dict(row._mapping) | {  # noqa: SLF001 # SQLAlchemy's public name for it
        "url": private.url,
        "account": private.account_id,
        "description": private.description,
        "kinds": row.kinds.split(),
        "secrets": len(subscriptions.live_secrets(private, now_micros())),
    }


async def _write(given: ApiDependencies, change: Callable[[Connection], T]) -> T:
    def write() -> T:
        with given.database.begin() as conn:
            return change(conn)

    return await asyncio.to_thread(write)
