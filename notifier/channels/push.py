"""Push through an ntfy server.

In: a letter and `ntfy:<topic>`. Out: a Receipt with ntfy's message id.
From 2.16 on ntfy knows a sequence id, by which a stream's newer message takes the older one's place on the
device; servers before that show both.
Source: ntfy's documentation, "Publish as JSON" and "Updating + deleting notifications".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from notifier.channels.apprise_channel import AppriseChannel, AppriseService
from notifier.channels.apprise_transport import Answer
from notifier.channels.channel import Letter, Receipt, quoted
from notifier.channels.http_answers import read_json, refusal
from notifier.push_places import NTFY

SEQUENCE_HEADER = "X-Sequence-ID"
# ntfy's own rule for topics; also what keeps a destination from naming another place.
_DESTINATION = re.compile(r"ntfy:([-_A-Za-z0-9]{1,64})")


class NtfyAnswer(msgspec.Struct, frozen=True):
    """The part of ntfy's JSON that matters."""

    id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NtfyServer:
    """Where to publish; `token` is an ntfy access token. Threads = publishes under way at once."""

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0
    threads: int = 8


class PushChannel(AppriseChannel):
    """Letters as ntfy messages."""

    def __init__(self, server: NtfyServer) -> None:
        self._server = server
        place = urlsplit(server.url)
        service = AppriseService(
            provider=NTFY,
            plugin=("ntfy", "NotifyNtfy"),
            origins={f"{place.scheme}://{place.netloc}": f"{place.scheme}://{place.netloc}"},
            destination=_DESTINATION,
            options=self._options,
            read=read_answer,
            amend=_sequenced,
        )
        super().__init__(service, timeout_seconds=server.timeout_seconds, threads=server.threads)

    def _options(self, topic: re.Match[str]) -> Mapping[str, Any]:
        server = self._server
        place = urlsplit(server.url)
        return {
            "targets": [topic[1]],
            "mode": "private",
            "host": place.hostname,
            "port": place.port,
            "secure": place.scheme == "https",
            "auth": "token" if server.token else "basic",
            "token": server.token,
            "include_image": False,  # it would be a remote one
        }


def read_answer(answer: Answer, letter: Letter, topic: re.Match[str]) -> Receipt:
    """200 with an id is the receipt. Raises DeliveryError."""
    del letter
    said = read_json(answer.body, NtfyAnswer) or NtfyAnswer()
    if answer.status == 200 and said.id:
        return Receipt(provider_message_id=quoted(said.id), status_code=answer.status)
    raise refusal(answer.status, answer.headers, quoted(said.error or "", topic[1]))


def _sequenced(letter: Letter, request: dict[str, Any]) -> None:
    request["headers"] = {**request.get("headers", {}), SEQUENCE_HEADER: letter.collapse_key}
