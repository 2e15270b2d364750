"""What goes with a stream: its badge for other people's pages, and who was told of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.security import SecurityScopes
from pydantic import AfterValidator
from starlette.background import BackgroundTasks
from starlette.responses import Response

from api.badge import badge
from api.dependencies import KEYED, Credentials, Reads, Serving, StreamsReader, known_caller
from api.keys import STREAMS_READ
from api.parameters import event_name
from api.problems import INVALID_CURSOR, NOT_FOUND, documented
from api.reading import Listed
from api.routes.streams import stream_key
from api.stream_answers import StreamKey, stream_answer
from api.told_answers import told_page
from api.told_schemas import ToldPage
from projections.reach import EVERYTHING, Reach

router = APIRouter(prefix="/v1/streams", tags=["streams"], responses=KEYED)

SVG = "image/svg+xml"


async def badge_reader(
    request: Request,
    wanted: SecurityScopes,
    credentials: Credentials,
    given: Serving,
    snapshot: Reads,
    tasks: BackgroundTasks,
) -> Reach:
    """Anybody, where the deployment's badges are public; else who has the scope, as far as that goes."""
    if given.public_badges:
        return EVERYTHING
    return (await known_caller(request, wanted, credentials, given, snapshot, tasks)).reach


@router.get(
    "/{contract_id}/{stream_id}/badge.svg",
    summary="A stream's badge",
    response_class=Response,
    responses=documented(NOT_FOUND) | {200: {"content": {SVG: {"schema": {"type": "string"}}}}},
)
async def stream_badge(
    reach: Annotated[Reach, Security(badge_reader, scopes=[STREAMS_READ])],
    given: Serving,
    snapshot: Reads,
    which: Annotated[StreamKey, Depends(stream_key)],
) -> Response:
    """Its status as an image. Needs no key where `api.public_badges` is set."""
    found = await snapshot.read(lambda conn: stream_answer(given, conn, reach, which))
    image = badge(
        which.stream_id,
        found.status,
        contract_paused=found.contract_paused,
        gap=found.completeness == "gap",
    )
    headers = {"Cache-Control": "max-age=30", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(image, media_type=SVG, headers=headers)


@router.get(
    "/{contract_id}/{stream_id}/notices",
    summary="Who was told of a stream",
    responses=documented(INVALID_CURSOR, NOT_FOUND),
)
async def stream_notices(
    caller: StreamsReader,
    snapshot: Reads,
    which: Annotated[StreamKey, Depends(stream_key)],
    listed: Listed,
    event_id: Annotated[
        str | None,
        AfterValidator(event_name),
        Query(description="only notices that this event caused"),
    ] = None,
) -> ToldPage:
    """Notices of this stream, newest first: to whom by role, on which channels, when. No destinations."""
    return await snapshot.read(lambda conn: told_page(conn, caller.reach, which, listed, event_id))
