"""Problems as answers: what routes raise, what the framework refuses, what the storage lacks."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.problems import (
    BODY_TOO_LARGE,
    INVALID_REQUEST,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    REFUSED,
    UNAVAILABLE,
    Problem,
    document,
)
from store.errors import SchemaBehind, StoreError, Transient, UnusableDatabase, translate

_MOST_ERRORS: Final = 20
_RETRY_SECONDS: Final = "2"
_UNREADABLE: Final = 400  # what FastAPI says of a body whose bytes are no text

# Statuses that the framework itself raises; any other 4xx is `refused`.
_FRAMEWORK_KINDS: Final = {
    kind.status: kind for kind in (NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE)
}


def answer(problem: Problem, instance: str) -> Response:
    """The HTTP answer for a problem."""
    return Response(
        msgspec.json.encode(document(problem, instance)),
        status_code=problem.kind.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


async def on_problem(request: Request, problem: Problem) -> Response:
    """A route or a dependency raised a problem."""
    return answer(problem, request.url.path)


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """The framework refused: no such path, method not allowed, body unreadable."""
    if error.status_code == _UNREADABLE:
        found = [{"field": "body", "problem": "send JSON in UTF-8"}]
        return answer(Problem(INVALID_REQUEST, "wrong: body", errors=found), request.url.path)
    kind = _FRAMEWORK_KINDS.get(error.status_code, REFUSED)
    detail = kind.meaning if kind is not REFUSED else str(error.detail)
    return answer(Problem(kind, detail, headers=error.headers), request.url.path)


async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    """Parameters or body are not what the route takes: all wrong fields at once."""
    found = [
        {"field": ".".join(str(part) for part in each["loc"]), "problem": _fault(each)}
        for each in error.errors()[:_MOST_ERRORS]
    ]
    fields = ", ".join(str(each["field"]) for each in found)
    return answer(Problem(INVALID_REQUEST, f"wrong: {fields}", errors=found), request.url.path)


def storage_fault(error: Exception) -> StoreError | None:
    """What is the matter with the storage, where an error tells of that."""
    known = error if isinstance(error, StoreError) else translate(error)
    return known if isinstance(known, Transient | SchemaBehind | UnusableDatabase) else None


def for_store(error: Exception) -> Problem | None:
    """The problem that an error of the storage is to the caller; None for a defect."""
    if storage_fault(error) is None:
        return None
    return Problem(UNAVAILABLE, UNAVAILABLE.meaning, headers={"Retry-After": _RETRY_SECONDS})


def _fault(error: Mapping[str, Any]) -> str:
    """What is wrong with a field, without repeating what was sent."""
    reason = error.get("ctx", {}).get("error")
    fix = getattr(reason, "fix", None)
    return str(fix or reason or error["msg"])
