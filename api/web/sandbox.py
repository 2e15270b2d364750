"""What only a development start gives the page: its key, and a wallet of simulated people.

In: the page on the same machine. Out: 404 everywhere else. The Host header is checked, or a name that
resolves to 127.0.0.1 would open it to any web page.
"""

from collections import Counter
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from api.dependencies import Serving
from api.problems import NOT_FOUND, Problem

router = APIRouter(prefix="/page", include_in_schema=False)

MOST_PEOPLE: Final = 100  # of each role in the page's list
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_LONGEST_MESSAGE: Final = 2_000
_NO_WALLET: Final = "there is no such wallet here"


class ToSign(BaseModel):
    """A message, and who is to sign it."""

    model_config = ConfigDict(extra="forbid")

    account_id: Annotated[str, Field(max_length=120)]
    message: Annotated[str, Field(max_length=_LONGEST_MESSAGE)]


@router.post("/sandbox-key")
async def sandbox_key(request: Request, given: Serving) -> JSONResponse:
    """The key of a development start."""
    if given.sandbox_key is None or not _own_page(request):
        raise Problem(NOT_FOUND, "there is no such key here")
    return JSONResponse({"key": given.sandbox_key})


@router.get("/sandbox-wallet")
async def sandbox_people(request: Request, given: Serving) -> JSONResponse:
    """Whom the wallet signs as."""
    if given.sandbox_wallet is None or not _own_page(request):
        raise Problem(NOT_FOUND, _NO_WALLET)
    counts: Counter[str] = Counter()
    shown = []
    for account_id, role, name in given.sandbox_wallet.people():
        counts[role] += 1
        if counts[role] <= MOST_PEOPLE:
            shown.append({"account_id": account_id, "role": role, "name": name})
    return JSONResponse({"people": shown})


@router.post("/sandbox-wallet")
async def sandbox_sign(request: Request, given: Serving, asked: ToSign) -> JSONResponse:
    """Sign as one of them."""
    if given.sandbox_wallet is None or not _own_page(request):
        raise Problem(NOT_FOUND, _NO_WALLET)
    signature = given.sandbox_wallet.sign(asked.account_id, asked.message)
    if signature is None:
        raise Problem(NOT_FOUND, "nobody of the simulated network has this account")
    return JSONResponse({"signature": signature})


def _own_page(request: Request) -> bool:
    """Whether the page of this very machine asks."""
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    same_site = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return host in _LOOPBACK and same_site
