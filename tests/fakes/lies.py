"""What a provider's answer can be instead of the truth: of no shape, cut, without an end, hostile."""

import json
import re
from typing import Any

from tests.fakes.http_provider import Scripted

DRIPS = 100  # one in 0.05 s: longer than the suite waits
DEEP = '{"x":' + "[" * 50_000
NO_UTF8 = (
    b'{"message": "\xff", "error": "\xff", "sid": "\xff", "id": "\xff", "name": "\xff",'
    b' "description": "\xff", "errorDescription": "\xff", "request": "\xff",'
    b' "status": "\xff", "records": [{"status": "\xff"}]}'
)
SAYS_TOO_MUCH = json.dumps(
    {
        "ok": False,
        "error_code": 99_999_999_999,
        "code": 99_999_999_999,
        "status": 99_999_999_999,
        "parameters": {"retry_after": 99_999_999_999},
        "retry_after": 99_999_999_999,
    }
)


def head(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} So", *lines, "", ""]).encode()


def emptied(body: str) -> str:
    """The same shape with nothing in its strings: a receipt that names no message."""
    if body.startswith("<"):
        return re.sub(r">[^<]+<", "><", body)
    return json.dumps(_hollow(json.loads(body))) if body.startswith("{") else ""


def _hollow(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hollow(each) for name, each in value.items() if not isinstance(each, int)}
    if isinstance(value, list):
        return [_hollow(each) for each in value]
    return "" if isinstance(value, str) else value


def nonsense(takes: Scripted) -> dict[str, Scripted]:
    """Answers with the status of a yes, and no yes in them, by name."""
    status, body = takes.status, str(takes.body)
    named = {
        "empty": "",
        "html": "<html>a proxy's page</html>",
        "truncated": body[: len(body) // 2],
        "emptied": emptied(body),
        "object": "{}",
        "null": "null",
        "list": '[{"id": {}}, []]',
        "number": '{"id": ' + "9" * 5000 + "}",
        "deep": DEEP,
        "no_utf8": NO_UTF8,
        "too_much": SAYS_TOO_MUCH,
    }
    found = {name: Scripted(status, said) for name, said in named.items()}
    found["html"].content_type = "text/html"
    return found


def hostile(takes: Scripted) -> dict[str, Scripted]:
    """Answers that no HTTP library of good faith expects, by name."""
    status = takes.status
    gzip = head(status, "Content-Length: 8", "Content-Encoding: gzip") + b"not gzip"
    filler = b'{"x": "' + b"x" * 60_000
    return {
        "no_http": Scripted(raw=(b"220 mail.test ESMTP\r\n\r\n",)),
        "long_header": Scripted(raw=(head(status, "X: " + "x" * 200_000),)),
        "many_headers": Scripted(raw=(head(status, *[f"X-{n}: x" for n in range(20_000)]),)),
        "no_gzip": Scripted(raw=(gzip,)),
        "half": Scripted(raw=(head(status, "Content-Length: 1000") + b'{"x": ',)),
        "endless": Scripted(raw=(head(status), filler), again=True),
        "drips": Scripted(raw=(head(status), *[b"x"] * DRIPS), pause_seconds=0.05),
    }


def in_pieces(takes: Scripted) -> Scripted:
    """A yes that comes in three segments."""
    body = str(takes.body).encode()
    lines = [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    middle = len(body) // 2
    pieces = (head(takes.status, *lines), body[:middle], body[middle:])
    return Scripted(raw=pieces, pause_seconds=0.02)
