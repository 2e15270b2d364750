"""Entity tags that change when the answer does, and not with every ledger that changes nothing.

The tag covers the body without `fresh_to_ledger`, so it is a weak one (RFC 9110 §8.8.3): two answers
with one tag say the same about the chain. How fresh that is stands in a header, on 304 as well.
"""

import hashlib
from typing import Final

import msgspec
from fastapi import Request
from starlette.responses import Response

from api.schemas import ChainAnswer

FRESH_HEADER: Final = "Pausewire-Fresh-To-Ledger"
_TAG_BYTES: Final = 16
_MOST_TAGS: Final = 50


def chain_answer(request: Request, answer: ChainAnswer) -> Response:
    """200 with the answer as JSON, or 304 where the caller has it already."""
    body = msgspec.json.encode(answer)
    _, _, covered = body.partition(b",")  # `fresh_to_ledger` is every answer's first member
    tag = f'W/"{hashlib.blake2b(covered, digest_size=_TAG_BYTES).hexdigest()}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
    }
    if answer.fresh_to_ledger is not None:
        headers[FRESH_HEADER] = str(answer.fresh_to_ledger)
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def matches(if_none_match: str | None, tag: str) -> bool:
    """Weak comparison with a list of tags, or `*`."""
    if if_none_match is None:
        return False
    listed = [each.strip() for each in if_none_match.split(",", _MOST_TAGS)]
    return listed == ["*"] or tag.removeprefix("W/") in {each.removeprefix("W/") for each in listed}
