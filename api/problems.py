"""What went wrong, told by RFC 9457: every error answer is `application/problem+json` from this table.

No other file of the API names a status of an error: routes raise `Problem(KIND, detail)`. `type` is
`/problems/<slug>`, and that address explains the problem to people.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from api.people_problems import (
    BODY_TOO_SLOW,
    CHAIN_UNREADABLE,
    CODE_REFUSED,
    CODE_TOMORROW,
    CONTROL_MISSING,
    CONTROL_UNKNOWN,
    RATE_LIMITED,
    SIGN_IN_REFUSED,
    TOO_MANY_CODES,
)
from api.problem_kind import ProblemKind

MEDIA_TYPE: Final = "application/problem+json"


INVALID_CURSOR: Final = ProblemKind(
    "invalid-cursor",
    400,
    "The cursor cannot be used",
    "A cursor is opaque and belongs to the list that gave it. Start again without `cursor`.",
)
UNAUTHENTICATED: Final = ProblemKind(
    "unauthenticated",
    401,
    "A valid API key or session is needed",
    "Send `Authorization: Bearer <key>` with a key that exists and is not revoked, or the token of a"
    " session that has not ended.",
)
SIGNATURE_REFUSED: Final = ProblemKind(
    "signature-refused",
    401,
    "The callback is not proven to come from the provider",
    "`detail` says what does not fit: the secret, the address that was signed, or the time.",
)
SCOPE_MISSING: Final = ProblemKind(
    "scope-missing",
    403,
    "The API key may not do this",
    "The key lacks the scope named in `scope`. Ask the operator for a key with it.",
)
NETWORK_REFUSED: Final = ProblemKind(
    "network-refused",
    403,
    "Not from this network",
    "This address answers only to the networks named in `api.metrics_networks`, `api.operator_networks` or"
    " `api.callback_networks`.",
)
NOT_FOUND: Final = ProblemKind(
    "not-found",
    404,
    "Nothing is known under this address",
    "The address, or what it names, does not exist here, or did not exist at the time asked for.",
)
METHOD_NOT_ALLOWED: Final = ProblemKind(
    "method-not-allowed",
    405,
    "The address does not know this method",
    "The header `Allow` lists the methods that it knows.",
)
CONFLICT: Final = ProblemKind(
    "conflict",
    409,
    "The present state does not allow this",
    "`detail` names the state. Look at it again, then decide anew.",
)
BODY_TOO_LARGE: Final = ProblemKind(
    "body-too-large",
    413,
    "The request's body is too large",
    "A provider's callback may have 1 MiB, any other body 64 KiB. Send fewer things at once.",
)
INVALID_REQUEST: Final = ProblemKind(
    "invalid-request",
    422,
    "The request is not valid",
    "`errors` lists each wrong field by its path (`query.limit`, `body.notice_ids.0`) and the way out.",
)
EXPORTS_BUSY: Final = ProblemKind(
    "exports-busy",
    429,
    "Other exports are running",
    "A process runs two exports at once. Try again after the seconds in `Retry-After`.",
)
REFUSED: Final = ProblemKind(
    "refused",
    400,
    "The request cannot be served",
    "`detail` says why.",
)
DEFECT: Final = ProblemKind(
    "defect",
    500,
    "Something broke on our side",
    "The request met a defect. It is logged with its address and time; nothing was half-written.",
)
PARQUET_MISSING: Final = ProblemKind(
    "parquet-missing",
    501,
    "This deployment cannot write Parquet",
    "Its operator can install `pausewire[parquet]`. CSV and NDJSON hold the same.",
)
NOT_READY: Final = ProblemKind(
    "not-ready",
    503,
    "Not ready",
    "`reasons` names each thing that is in the way.",
)
FEED_FULL: Final = ProblemKind(
    "feed-full",
    503,
    "No more connections to the feed",
    "This process holds as many as `api.feed_connections` allows. Try again after `Retry-After` seconds.",
)
UNAVAILABLE: Final = ProblemKind(
    "unavailable",
    503,
    "Storage cannot be reached just now",
    "The database is busy or away. Try again after the seconds in `Retry-After`.",
)

KINDS: Final = (
    INVALID_CURSOR,
    REFUSED,
    UNAUTHENTICATED,
    SIGN_IN_REFUSED,
    SIGNATURE_REFUSED,
    CONTROL_MISSING,
    CODE_REFUSED,
    SCOPE_MISSING,
    NETWORK_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_SLOW,
    CONFLICT,
    BODY_TOO_LARGE,
    INVALID_REQUEST,
    RATE_LIMITED,
    EXPORTS_BUSY,
    CODE_TOMORROW,
    TOO_MANY_CODES,
    DEFECT,
    PARQUET_MISSING,
    NOT_READY,
    FEED_FULL,
    CHAIN_UNREADABLE,
    CONTROL_UNKNOWN,
    UNAVAILABLE,
)
EVERYWHERE: Final = (RATE_LIMITED, DEFECT, UNAVAILABLE)  # what any route may answer besides its own


class Problem(Exception):  # RFC 9457's own word
    """An answer that is a problem. `members` are further members of the document."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{kind.slug}: {detail}")
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


class FieldError(BaseModel):
    """One wrong field of a request."""

    field: str = Field(description="path of the field, from where it was sent")
    problem: str = Field(description="what is wrong and the way out")


class ProblemDocument(BaseModel):
    """A problem by RFC 9457."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="address that explains this kind of problem")
    title: str
    status: int
    detail: str = Field(description="what happened this time")
    instance: str = Field(description="path of the request")
    errors: list[FieldError] | None = Field(None, description="of `invalid-request`: wrong fields")
    reasons: list[str] | None = Field(None, description="of `not-ready`: what is in the way")
    scope: str | None = Field(None, description="of `scope-missing`: the scope that is needed")


def document(problem: Problem, instance: str) -> dict[str, Any]:
    """The members of a problem document."""
    kind = problem.kind
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": instance,
        **problem.members,
    }


def documented(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may answer with these problems."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = responses.setdefault(
            kind.status,
            {
                "description": kind.title,
                "content": {MEDIA_TYPE: {"schema": _SCHEMA, "examples": {}}},
            },
        )
        example = document(Problem(kind, kind.meaning), "/v1/…")
        entry["content"][MEDIA_TYPE]["examples"][kind.slug] = {"value": example}
    return responses


_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
