"""What providers call back to say: proven to be theirs, stored once, worked off later by the notifier."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import JSONResponse

from api.callback_counts import (
    DUPLICATE,
    REFUSED,
    STORED,
    UNREADABLE,
    CallbackCounts,
    callback_counts,
)
from api.delivery_schemas import CallbackTaken
from api.dependencies import ApiDependencies, Serving, client_of
from api.networks import within
from api.problems import (
    BODY_TOO_LARGE,
    INVALID_REQUEST,
    NETWORK_REFUSED,
    NOT_FOUND,
    SIGNATURE_REFUSED,
    Problem,
    documented,
)
from notifier.callbacks import arrivals, tidings
from notifier.errors import CallbackUnreadable, SignatureRefused
from store.clock import now_micros

router = APIRouter(tags=["deliveries"])

_NEW: Final = CallbackTaken(status="ok", message="Accepted")
_KNOWN: Final = CallbackTaken(status="ok", message="Already processed")
_LATIN_1: Final = "latin-1"  # each byte of the raw query as a character: what was signed, unchanged

ProviderName = Annotated[
    str,
    Path(
        description="who calls back: `twilio`, `vonage`, `sendgrid`, `postmark`, `ses`,"
        " `standard-webhooks`"
    ),
]
Counts = Annotated[CallbackCounts, Depends(callback_counts)]


@router.post(
    tidings.CALLBACKS_PATH,
    summary="What a provider calls back to say",
    status_code=202,
    response_model=CallbackTaken,
    responses={
        200: {"model": CallbackTaken, "description": "Already processed"},
        **documented(
            SIGNATURE_REFUSED, NETWORK_REFUSED, NOT_FOUND, BODY_TOO_LARGE, INVALID_REQUEST
        ),
    },
)
async def called_back(
    provider: ProviderName, request: Request, given: Serving, counts: Counts
) -> JSONResponse:
    """Takes the provider's own body and signature; the answer says only that it is stored.

    202: new, and worked off soon. 200: it was here before, nothing happens twice.
    """
    if not within(client_of(request), given.callback_networks):
        raise Problem(NETWORK_REFUSED, "callbacks are not taken from this address")
    known = given.providers.get(provider)
    if known is None:
        raise Problem(NOT_FOUND, "no such provider is switched on")
    asked = tidings.Request(
        url=_signed_url(request, given, provider),
        body=await request.body(),
        headers=dict(request.headers),
        query=dict(request.query_params),
    )
    try:
        new = await asyncio.to_thread(_take, given, known, asked)
    except SignatureRefused as error:
        counts.note(provider, REFUSED)
        headers = {"WWW-Authenticate": "Signature"}
        raise Problem(SIGNATURE_REFUSED, str(error), headers=headers) from error
    except CallbackUnreadable as error:
        counts.note(provider, UNREADABLE)
        fault = {"field": "body", "problem": str(error)}
        raise Problem(INVALID_REQUEST, "wrong: body", errors=[fault]) from error
    counts.note(provider, STORED if new else DUPLICATE)
    answer = _NEW if new else _KNOWN
    return JSONResponse(answer.model_dump(), status_code=202 if new else 200)


def _take(given: ApiDependencies, known: tidings.Provider, asked: tidings.Request) -> int:
    """Prove, split and store, in one thread: a provider's certificate may have to be fetched first."""
    known.verify(asked, now_micros())
    events, provider = known.split(asked), known.name
    with given.database.begin() as conn:
        return arrivals.keep(conn, given.vault, given.database.bell, provider, events, now_micros())


def _signed_url(request: Request, given: ApiDependencies, provider: str) -> str:
    """The address as the provider called it, which a proxy may have rewritten on the way."""
    query = request.scope["query_string"].decode(_LATIN_1)
    asked = f"?{query}" if query else ""
    if given.callback_url is None:
        return str(request.url)
    return f"{given.callback_url}{tidings.CALLBACKS_PATH.format(provider=provider)}{asked}"
