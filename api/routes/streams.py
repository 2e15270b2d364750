"""Streams: between whom they are, how they stand, when they stood still, and all that happened."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.dependencies import KEYED
from api.parameters import (
    AsOfQuery,
    ContractIdPath,
    PauseOrder,
    StreamFiltersQuery,
    StreamIdPath,
)
from api.past_answers import Past
from api.pause_schemas import PausesPage
from api.problems import INVALID_CURSOR, NOT_FOUND, documented
from api.reading import ChainReading, Listed
from api.schemas import StreamAnswer, StreamsPage, TimelinePage
from api.stream_answers import (
    StreamKey,
    pauses_page,
    stream_answer,
    streams_page,
    timeline_page,
)

router = APIRouter(prefix="/v1/streams", tags=["streams"], responses=KEYED)


async def stream_key(contract_id: ContractIdPath, stream_id: StreamIdPath) -> StreamKey:
    """The stream that a path names."""
    return StreamKey(contract_id, stream_id)


_LIST = documented(INVALID_CURSOR)
_ONE = documented(NOT_FOUND)
_LIST_OF_ONE = documented(INVALID_CURSOR, NOT_FOUND)


@router.get("", summary="Streams", response_model=StreamsPage, responses=_LIST)
async def streams(reading: ChainReading, filters: StreamFiltersQuery, listed: Listed) -> Response:
    """Ordered by contract and stream id; filters add up."""
    given, reach = reading.given, reading.reach
    return await reading.answer_at_once(
        lambda conn: streams_page(given, conn, reach, filters, listed)
    )


@router.get(
    "/{contract_id}/{stream_id}", summary="A stream", response_model=StreamAnswer, responses=_ONE
)
async def stream(
    reading: ChainReading, which: Annotated[StreamKey, Depends(stream_key)], at: AsOfQuery
) -> Response:
    """As it stands, or as it stood at a time or a ledger."""
    given, reach = reading.given, reading.reach
    if at.present:
        return await reading.answer_at_once(lambda conn: stream_answer(given, conn, reach, which))
    return await reading.answer_aside(lambda conn: Past(given, conn, reach, which, at).answer())


@router.get(
    "/{contract_id}/{stream_id}/pauses",
    summary="A stream's pauses",
    response_model=PausesPage,
    responses=_LIST_OF_ONE,
)
async def pauses(
    reading: ChainReading,
    which: Annotated[StreamKey, Depends(stream_key)],
    listed: Listed,
    at: AsOfQuery,
    order: PauseOrder = "desc",
) -> Response:
    """Every interval in which the stream stood still, in the order of the chain."""
    given, reach = reading.given, reading.reach
    if at.present:
        return await reading.answer_at_once(
            lambda conn: pauses_page(given, conn, reach, which, listed, order)
        )
    return await reading.answer_aside(
        lambda conn: Past(given, conn, reach, which, at).pauses_page(listed, order)
    )


@router.get(
    "/{contract_id}/{stream_id}/timeline",
    summary="A stream's timeline",
    response_model=TimelinePage,
    responses=_LIST_OF_ONE,
)
async def timeline(
    reading: ChainReading, which: Annotated[StreamKey, Depends(stream_key)], listed: Listed
) -> Response:
    """Every event of the stream, newest first, those that did not fit included."""
    given, reach = reading.given, reading.reach
    return await reading.answer(lambda conn: timeline_page(given, conn, reach, which, listed))
