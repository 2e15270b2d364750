"""A webhook's post as its receiver reads it: the signature over the raw body first, then what it tells.

Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Post(NamedTuple):
    """`stream`: what is told in order, a stream or the contract; `position`: its place in that order."""

    receiver: str
    identity: str
    kind: str
    event_id: str
    stream: str
    position: int
    is_signed: bool


def read_post(line: Mapping[str, Any], keys: Mapping[str, bytes]) -> Post:
    """A catcher's line. `keys`: by receiver."""
    body = json.loads(line["text"])
    data = body["data"]
    return Post(
        receiver=line["to"],
        identity=line["id"],
        kind=body["type"],
        event_id=data["event_id"],
        stream=f"{data['contract_id']}:{data['stream_id']}",
        position=int(data["position"]),
        is_signed=_is_signed(line, keys.get(line["to"], b"")),
    )


def _is_signed(line: Mapping[str, Any], key: bytes) -> bool:
    headers = {name.lower(): value for name, value in line["headers"].items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{line['text']}"
    right = base64.b64encode(hmac.digest(key, signed.encode(), "sha256")).decode()
    return f"v1,{right}" in headers["webhook-signature"].split()
