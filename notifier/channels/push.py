"""Push through an ntfy server, by Apprise's plugin on a transport that keeps the answer.

In: a letter and `ntfy:<topic>`. Out: a Receipt with ntfy's message id.
Apprise blocks, so each publish runs on a thread. ntfy knows no idempotency key. From 2.16 on it knows a
sequence id, by which a stream's newer message takes the older one's place on the device; servers before
that show both.
Source: ntfy's documentation, "Publish as JSON" and "Updating + deleting notifications".
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import msgspec

from notifier.channels.apprise_transport import Answer, Transport, ntfy_plugin
from notifier.channels.channel import Letter, Receipt, quoted
from notifier.channels.http_answers import refusal
from notifier.errors import DestinationRejected, OutcomeUnknown

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


class PushChannel:
    """Letters as ntfy messages."""

    provider = "ntfy"

    def __init__(self, server: NtfyServer) -> None:
        self._server = server
        self._transport = Transport()
        self._threads = ThreadPoolExecutor(server.threads, thread_name_prefix="push")

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: str) -> AsyncIterator["PushHandover"]:
        """Read the topic; the plugin is imported (0.2 s) at the first letter only."""
        found = _DESTINATION.fullmatch(destination)
        if found is None:
            raise DestinationRejected("not an ntfy topic")
        loop = asyncio.get_running_loop()
        plugin = await loop.run_in_executor(self._threads, self._plugin, found[1])
        yield PushHandover(self._threads, self._transport, plugin, letter)

    async def close(self) -> None:
        """Wait for publishes under way (each ends by its timeout), then close their connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._transport.close()

    @cached_property
    def _plugin_factory(self) -> Callable[..., Any]:
        return ntfy_plugin(self._transport)

    def _plugin(self, topic: str) -> Any:
        server = self._server
        place = urlsplit(server.url)
        plugin = self._plugin_factory(
            targets=[topic],
            mode="private",
            host=place.hostname,
            port=place.port,
            secure=place.scheme == "https",
            auth="token" if server.token else "basic",
            token=server.token,
            include_image=False,  # it would be a remote one
            cto=server.timeout_seconds,
            rto=server.timeout_seconds,
        )
        # Really seconds between two requests of one object; limits are kept where deliveries are claimed.
        plugin.request_rate_per_sec = 0
        return plugin


class PushHandover:
    """A message ready to be published."""

    def __init__(
        self, threads: ThreadPoolExecutor, transport: Transport, plugin: Any, letter: Letter
    ) -> None:
        self._threads = threads
        self._transport = transport
        self._plugin = plugin
        self._letter = letter

    async def send(self) -> Receipt:
        """Publish it. 200 with an id is the receipt."""
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._threads, self._publish)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            raise OutcomeUnknown("the plugin made no request that we saw")
        return self._read(outcome)

    def _publish(self) -> Answer | Exception | None:
        self._transport.taken()
        self._transport.add_headers({SEQUENCE_HEADER: self._letter.collapse_key})
        self._plugin.send(body=self._letter.text, title=self._letter.subject)
        return self._transport.taken()

    def _read(self, answer: Answer) -> Receipt:
        try:
            said = msgspec.json.decode(answer.body, type=NtfyAnswer)
        except msgspec.DecodeError:
            said = NtfyAnswer()
        if answer.status == 200 and said.id is not None:
            return Receipt(provider_message_id=quoted(said.id), status_code=answer.status)
        topic = self._plugin.topics[0]
        raise refusal(answer.status, answer.headers, quoted(said.error or "", topic))
