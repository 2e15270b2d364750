"""The files of the simulated catchers: what each channel's far side took, and whose letter it is."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Row


class Sink(NamedTuple):
    """A catcher's file, the field of the provider's id, and what tells whose letter a line is.

    `mark` finds in the `marked` field what `mark_of` says of the delivery (or of its notice: then its
    first eight hex digits, so two deliveries may share a mark). `knows_repeats`: whoever is behind it
    tells them by the mark, so that what came again came once.
    """

    file: str
    id_field: str
    marked: str
    mark: re.Pattern[str]
    mark_of: Callable[[Row[Any]], str]
    knows_repeats: bool = False


def _reference(row: Row[Any]) -> str:
    """How a person quotes a notice: the words of every SMS and push end with it."""
    return str(row.notice_id.hex[:8].upper())


_REFERENCE = re.compile(r"\bRef ([0-9A-F]{8})\b")

SINKS = {
    "email": Sink(
        "mail.ndjson",
        "message_id",
        "message_id",
        re.compile(r"<([0-9a-f-]{36})@"),
        lambda row: str(row.delivery_id),
    ),
    "sms": Sink("sms.ndjson", "sid", "body", _REFERENCE, _reference),
    "push": Sink("push.ndjson", "id", "message", _REFERENCE, _reference),
}
# Of the webhooks that somebody subscribed, all receivers together.
RECEIVERS = Sink(
    "webhooks.ndjson",
    "id",
    "id",
    re.compile("(.+)"),
    lambda row: str(row.delivery_id),
    knows_repeats=True,
)


def caught_lines(path: Path) -> list[dict[str, Any]]:
    """What a catcher took, a line each; a line being written is left out."""
    if not path.exists():
        return []
    text = path.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
