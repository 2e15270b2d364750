"""The delivery log, a second chance for one delivery, and how long telling takes."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import Connection

from api.delivery_schemas import (
    Attempt,
    DeliveriesPage,
    Delivery,
    DeliveryAnswer,
    DeliveryState,
    Latency,
    Redriven,
    Told,
)
from api.dependencies import KEYED, ApiDependencies, Operator, Reads, Serving
from api.pages import KeyInt, Keyset, page
from api.parameters import plain_text
from api.problems import CONFLICT, INVALID_CURSOR, NOT_FOUND, Problem, documented
from api.reading import Listed, Listing
from notifier import deliveries, latency
from notifier.deliveries import Filter, Place
from notifier.schema import delivery
from store.clock import now_micros

router = APIRouter(prefix="/v1", tags=["deliveries"], responses=KEYED)

_DELIVERIES: Final = Keyset("deliveries", tuple[KeyInt, UUID])
_MOST_ATTEMPTS: Final = 100
_MOST_HOURS: Final = 24 * 31

DeliveryId = Annotated[UUID, Path(description="the delivery's id")]
Named = Annotated[str | None, AfterValidator(plain_text)]


class DeliveryFilters(BaseModel):
    """Which deliveries are asked for; filters add up."""

    notice_id: UUID | None = Field(None, description="of this notice")
    state: DeliveryState | None = Field(None, description="in this state")
    channel: Named = Field(None, description="on this channel: email, sms, push, in_app")
    reason: Named = Field(None, description="with this reason: stale, superseded, defect …")
    provider: Named = Field(None, description="tried with this provider")


@router.get("/deliveries", summary="The delivery log", responses=documented(INVALID_CURSOR))
async def delivery_log(
    _: Operator, snapshot: Reads, filters: Annotated[DeliveryFilters, Query()], listed: Listed
) -> DeliveriesPage:
    """Newest first; names no destination."""
    return await snapshot.read(partial(_page, filters, listed))


@router.get(
    "/deliveries/{delivery_id}", summary="A delivery's tries", responses=documented(NOT_FOUND)
)
async def one_delivery(_: Operator, snapshot: Reads, delivery_id: DeliveryId) -> DeliveryAnswer:
    """One delivery, with every try and what the far side answered."""
    return await snapshot.read(partial(_one, delivery_id))


@router.post(
    "/deliveries/{delivery_id}/redrive",
    summary="Try a delivery again",
    responses=documented(NOT_FOUND, CONFLICT),
)
async def redrive(_: Operator, given: Serving, delivery_id: DeliveryId) -> Redriven:
    """A person's word that an unknown, failed or expired delivery may leave again.

    It is flagged as a possible duplicate where an earlier try may have arrived.
    """
    return await asyncio.to_thread(_redrive, given, delivery_id)


@router.get("/latency", summary="How long telling takes")
async def latencies(
    _: Operator,
    snapshot: Reads,
    hours: Annotated[int, Query(ge=1, le=_MOST_HOURS, description="how far to look back")] = 24,
) -> Latency:
    """From the stored times of deliveries: percentiles of every stage, and how many were told in time."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    micros = int(since.timestamp() * 1_000_000)
    query = latency.stage_times(since=micros)
    rows = await snapshot.read(lambda conn: conn.execute(query).all())
    return Latency(
        since=since,
        deliveries=len(rows),
        latency_seconds=latency.summarise(rows),
        own_seconds=latency.summarise_steps(rows),
        told={name: Told(**each) for name, each in latency.promptness(rows).items()},
        clock="the ledger's clock counts whole seconds",
    )


def _page(filters: DeliveryFilters, listed: Listing, conn: Connection) -> DeliveriesPage:
    after = _DELIVERIES.after(listed.cursor)
    wanted = Filter(
        notice=filters.notice_id,
        state=filters.state,
        channel=filters.channel,
        reason=filters.reason,
        provider=filters.provider,
    )
    place = None if after is None else Place(*after)
    query = deliveries.listing(wanted, after=place, limit=listed.limit + 1)
    rows, next_cursor = page(
        conn.execute(query).all(),
        listed.limit,
        _DELIVERIES,
        lambda row: (row.planned_at, row.delivery_id),
    )
    return DeliveriesPage(
        items=[Delivery.model_validate(row) for row in rows], next_cursor=next_cursor
    )


def _one(delivery_id: UUID, conn: Connection) -> DeliveryAnswer:
    wanted = Filter(delivery=delivery_id)
    row = conn.execute(deliveries.listing(wanted, after=None, limit=1)).first()
    if row is None:
        raise _unknown(delivery_id)
    tries = conn.execute(deliveries.attempts_of(delivery_id).limit(_MOST_ATTEMPTS))
    return DeliveryAnswer(
        delivery=Delivery.model_validate(row),
        attempts=[Attempt.model_validate(each) for each in tries],
    )


def _redrive(given: ApiDependencies, delivery_id: UUID) -> Redriven:
    with given.database.begin() as conn:
        moved = deliveries.redrive(
            conn, given.database.bell, Filter(delivery=delivery_id), now=now_micros()
        )
        row = conn.execute(delivery.select().where(delivery.c.delivery_id == delivery_id)).first()
    if row is None:
        raise _unknown(delivery_id)
    if not moved:
        redrivable = ", ".join(sorted(deliveries.REDRIVABLE))
        raise Problem(CONFLICT, f"the delivery is {row.state}; only {redrivable} can be redriven")
    return Redriven(
        delivery_id=delivery_id, state="pending", possible_duplicate=row.possible_duplicate
    )


def _unknown(delivery_id: UUID) -> Problem:
    return Problem(NOT_FOUND, f"no delivery {delivery_id} is known")
