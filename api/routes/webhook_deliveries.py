"""The delivery log of one outgoing webhook, and a second chance for what was given up."""

import asyncio
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

from api.caller import Caller
from api.delivery_schemas import (
    Attempt,
    DeliveriesPage,
    Delivery,
    DeliveryAnswer,
    DeliveryState,
    Redriven,
)
from api.dependencies import KEYED, ApiDependencies, Reads, Serving, WebhooksKeeper
from api.pages import KeyInt, Keyset, page
from api.problems import CONFLICT, INVALID_CURSOR, NOT_FOUND, Problem, documented
from api.reading import Listed, Listing
from api.routes.webhooks import WebhookId, own_row
from notifier import deliveries
from notifier.deliveries import Filter, Place
from store.clock import now_micros

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=KEYED)

_LOG: Final = Keyset("webhook_deliveries", tuple[KeyInt, UUID])
_MOST_ATTEMPTS: Final = 100
_PATH: Final = "/{webhook_id}/deliveries"

DeliveryId = Annotated[UUID, Path(description="the delivery's id, the `webhook-id` of its posts")]
State = Annotated[DeliveryState | None, Query(description="in this state")]


@router.get(
    _PATH, summary="A webhook's delivery log", responses=documented(NOT_FOUND, INVALID_CURSOR)
)
async def webhook_log(
    caller: WebhooksKeeper,
    given: Serving,
    snapshot: Reads,
    webhook_id: WebhookId,
    listed: Listed,
    state: State = None,
) -> DeliveriesPage:
    """Newest first."""
    return await snapshot.read(partial(_page, given, caller, webhook_id, listed, state))


@router.get(_PATH + "/{delivery_id}", summary="A post's tries", responses=documented(NOT_FOUND))
async def webhook_delivery(
    caller: WebhooksKeeper,
    given: Serving,
    snapshot: Reads,
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
) -> DeliveryAnswer:
    """One delivery, with every try and what the receiver answered."""
    return await snapshot.read(partial(_one, given, caller, webhook_id, delivery_id))


@router.post(
    _PATH + "/{delivery_id}/redrive",
    summary="Post again",
    responses=documented(NOT_FOUND, CONFLICT),
)
async def redrive_post(
    caller: WebhooksKeeper, given: Serving, webhook_id: WebhookId, delivery_id: DeliveryId
) -> Redriven:
    """Post what was given up (failed, expired) again, with the same `webhook-id`."""
    return await asyncio.to_thread(_redrive, given, caller, webhook_id, delivery_id)


def _page(
    given: ApiDependencies,
    caller: Caller,
    webhook_id: UUID,
    listed: Listing,
    state: DeliveryState | None,
    conn: Connection,
) -> DeliveriesPage:
    own_row(conn, given, caller, webhook_id)
    after = _LOG.after(listed.cursor)
    query = deliveries.listing(
        Filter(channel="webhook", endpoint=str(webhook_id), state=state),
        after=None if after is None else Place(*after),
        limit=listed.limit + 1,
    )
    rows, next_cursor = page(
        conn.execute(query).all(),
        listed.limit,
        _LOG,
        lambda row: (row.planned_at, row.delivery_id),
    )
    items = [Delivery.model_validate(row) for row in rows]
    return DeliveriesPage(items=items, next_cursor=next_cursor)


def _one(
    given: ApiDependencies, caller: Caller, webhook_id: UUID, delivery_id: UUID, conn: Connection
) -> DeliveryAnswer:
    own_row(conn, given, caller, webhook_id)
    query = deliveries.listing(_named(webhook_id, delivery_id), after=None, limit=1)
    row = conn.execute(query).first()
    if row is None:
        raise _unknown(delivery_id)
    tries = conn.execute(deliveries.attempts_of(delivery_id).limit(_MOST_ATTEMPTS))
    return DeliveryAnswer(
        delivery=Delivery.model_validate(row),
        attempts=[Attempt.model_validate(each) for each in tries],
    )


def _redrive(
    given: ApiDependencies, caller: Caller, webhook_id: UUID, delivery_id: UUID
) -> Redriven:
    wanted = _named(webhook_id, delivery_id)
    with given.database.begin() as conn:
        own_row(conn, given, caller, webhook_id)
        moved = deliveries.redrive(conn, given.database.bell, wanted, now=now_micros())
        row = conn.execute(deliveries.listing(wanted, after=None, limit=1)).first()
    if row is None:
        raise _unknown(delivery_id)
    if not moved:
        redrivable = ", ".join(sorted(deliveries.REDRIVABLE))
        raise Problem(CONFLICT, f"the delivery is {row.state}; only {redrivable} can be redriven")
    return Redriven(
        delivery_id=delivery_id, state="pending", possible_duplicate=row.possible_duplicate
    )


def _named(webhook_id: UUID, delivery_id: UUID) -> Filter:
    return Filter(channel="webhook", endpoint=str(webhook_id), delivery=delivery_id)


def _unknown(delivery_id: UUID) -> Problem:
    return Problem(NOT_FOUND, f"no delivery {delivery_id} is known")
