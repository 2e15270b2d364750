"""The feed: every event of streams and contracts as server-sent events, from any position on."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import format_sse_event
from starlette.responses import Response

from api.announcement import Announcement
from api.dependencies import KEYED, Reads, Serving, StreamsReader
from api.feed import Feed, reach_of, start
from api.feed_asides import banner_wire
from api.feed_messages import Wanted, resync
from api.feed_reader import MEDIA_TYPE
from api.feed_schemas import MESSAGE_EXAMPLE, BannerMessage, FeedMessage, InboxMessage, Resync
from api.keys import EMPLOYEE
from api.parameters import FeedFiltersQuery, LastEventId
from api.problems import FEED_FULL, SCOPE_MISSING, UNAVAILABLE, Problem, documented

router = APIRouter(prefix="/v1/feed", tags=["feed"], responses=KEYED)

_EXAMPLE: Final = (
    "retry: 2000\nid: 41\n\n"
    + format_sse_event(data_str=msgspec.json.encode(MESSAGE_EXAMPLE).decode(), id="42").decode()
    + ": alive\n\n"
    + resync(977_000, "too_old").decode()
    + banner_wire(Announcement("Maintenance tonight, 22:00 UTC", 1_772_442_900_000_000)).decode()
)
# OpenAPI 3.2 §4.14.4: one item of the sequence is one message.
_ITEM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "position in our log"},
        "event": {"type": "string", "enum": ["message", "resync", "banner", "inbox"]},
        "retry": {"type": "integer"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [
                    {"$ref": f"#/components/schemas/{kind.__name__}"}
                    for kind in (FeedMessage, Resync, BannerMessage, InboxMessage)
                ]
            },
        },
    },
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Messages until the connection ends.",
        "content": {MEDIA_TYPE: {"itemSchema": _ITEM, "example": _EXAMPLE}},
    }
}


HeaderId = Annotated[
    LastEventId,
    Header(alias="Last-Event-ID", description="the last id received: what follows is sent"),
]
QueryId = Annotated[
    LastEventId,
    Query(
        alias="last_event_id",
        description="the same for clients that cannot set the header, which counts if both are sent",
    ),
]
WantsInbox = Annotated[
    bool,
    Query(
        description="also tell how the own inbox stands (`event: inbox`); needs the scope `employee`"
    ),
]
Follows = Annotated[
    bool,
    Query(description="false: send what there is beyond the last id, then end the answer"),
]


@router.get(
    "",
    summary="The feed",
    response_class=Response,
    responses=documented(FEED_FULL, UNAVAILABLE) | _STREAM,
)
async def feed(  # noqa: PLR0913, PLR0917 # a route's parameters are its callers'
    request: Request,
    caller: StreamsReader,
    given: Serving,
    snapshot: Reads,
    filters: FeedFiltersQuery,
    header_id: HeaderId = None,
    query_id: QueryId = None,
    *,
    inbox: WantsInbox = False,
    follow: Follows = True,
) -> Response:
    """One message per recorded event, as soon as the other routes show it; without an id, from now on.

    `event: resync` says that the id cannot be gone on from: ask the other routes again. `event: banner`
    and `event: inbox` tell a state, at the beginning and when it changes, and have no id.
    """
    if inbox and EMPLOYEE not in caller.scopes:
        detail = f"the caller lacks the scope {EMPLOYEE}, which an inbox needs"
        raise Problem(SCOPE_MISSING, detail, scope=EMPLOYEE)
    account = given.vault.account_lookup(str(caller.account_id)) if inbox else None
    last_id = query_id if header_id is None else header_id
    begin, reach = await snapshot.read(
        lambda conn: (start(conn, last_id), reach_of(conn, caller.reach))
    )
    wanted = Wanted(**filters.model_dump(), reach=reach)
    answers: Feed = request.app.state.feed
    return answers.answer(caller.key_id, wanted, begin, follow=follow, account=account)
