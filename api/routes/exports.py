"""Exports of pauses: all that filters let through, as a file of any length."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.caller import Caller
from api.dependencies import KEYED, StreamsReader
from api.export_formats import as_csv, as_ndjson, as_parquet
from api.exports import Exports, Wanted
from api.parameters import StreamFilters, StreamFiltersQuery
from api.problems import EXPORTS_BUSY, PARQUET_MISSING, Problem, documented
from projections.stream_filters import Filters

router = APIRouter(prefix="/v1/export", tags=["exports"], responses=KEYED)

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
PARQUET: Final = "application/vnd.apache.parquet"


async def exports_here(request: Request) -> Exports:
    """The exports of this process."""
    running: Exports = request.app.state.exports
    return running


Running = Annotated[Exports, Depends(exports_here)]


def _answers(media: str, *kinds: Any, **schema: Any) -> dict[int | str, dict[str, Any]]:
    file = {"description": "The file.", "content": {media: {"schema": {"type": "string"} | schema}}}
    return documented(EXPORTS_BUSY, *kinds) | {200: file}


@router.get(
    "/pauses.csv",
    summary="Pauses as CSV",
    response_class=Response,
    responses=_answers(CSV),
)
async def pauses_csv(
    exports: Running, caller: StreamsReader, filters: StreamFiltersQuery
) -> Response:
    """Pauses of the streams that the filters let through; contract-wide ones first, without a stream."""
    return await exports.answer(_wanted(caller, filters), as_csv, CSV, "pauses.csv")


@router.get(
    "/pauses.ndjson",
    summary="Pauses as NDJSON",
    response_class=Response,
    responses=_answers(NDJSON),
)
async def pauses_ndjson(
    exports: Running, caller: StreamsReader, filters: StreamFiltersQuery
) -> Response:
    """The same, one JSON object a line."""
    return await exports.answer(_wanted(caller, filters), as_ndjson, NDJSON, "pauses.ndjson")


@router.get(
    "/pauses.parquet",
    summary="Pauses as Parquet",
    response_class=Response,
    responses=_answers(PARQUET, PARQUET_MISSING, format="binary"),
)
async def pauses_parquet(
    exports: Running, caller: StreamsReader, filters: StreamFiltersQuery
) -> Response:
    """The same for columnar tools; times are timestamps in UTC."""
    try:
        write = as_parquet()
    except ImportError as error:
        raise Problem(PARQUET_MISSING, PARQUET_MISSING.meaning) from error
    return await exports.answer(_wanted(caller, filters), write, PARQUET, "pauses.parquet")


def _wanted(caller: Caller, filters: StreamFilters) -> Wanted:
    return Wanted(Filters(**filters.model_dump()), caller.reach)
