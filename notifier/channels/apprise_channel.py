"""A push service reached by Apprise's plugin for it, on a transport that keeps the answer.

In: a letter and a destination of the service. Out: a Receipt, as the service's own answer reads.
Apprise blocks, so each message leaves on a thread. None of these services has an idempotency key.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from notifier.channels.apprise_transport import Answer, Transport, plugin_of
from notifier.channels.channel import Admitted, Letter, Receipt
from notifier.errors import DestinationRejected, OutcomeUnknown


def as_it_is(letter: Letter, request: dict[str, Any]) -> None:
    """Leave a plugin's request as it is."""
    del letter, request


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseService:
    """What sets one service apart.

    `plugin`: module and class. `origins`: as Transport takes them. `destination`: matches the whole of one;
    `options`: what the plugin is made with for such a match, on a thread, before anything leaves.
    `read`: the receipt in an answer to a letter, or an error. `amend`: changes the plugin's request.
    `members`: what the plugin's class has instead of its own.
    """

    provider: str
    plugin: tuple[str, str]
    origins: Mapping[str, str]
    destination: re.Pattern[str]
    options: Callable[[re.Match[str]], Mapping[str, Any]]
    read: Callable[[Answer, Letter, re.Match[str]], Receipt]
    amend: Callable[[Letter, dict[str, Any]], None] = as_it_is
    most_characters: int = 3000
    members: Mapping[str, Any] = field(default_factory=dict)


class AppriseChannel:
    """Letters through one service; `threads`: how many are under way at once."""

    def __init__(
        self, service: AppriseService, *, timeout_seconds: float = 10.0, threads: int = 8
    ) -> None:
        self.provider = service.provider
        self._service = service
        self._timeout = timeout_seconds
        self._transport = Transport(service.origins, timeout_seconds)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"push-{service.provider}")

    @asynccontextmanager
    async def prepare(
        self, letter: Letter, destination: Admitted
    ) -> AsyncIterator["AppriseHandover"]:
        """Read the destination; the plugin is imported (0.2 s) at the first letter only."""
        place = self._service.destination.fullmatch(destination)
        if place is None:
            raise DestinationRejected(f"not a destination of {self.provider}")
        loop = asyncio.get_running_loop()
        plugin = await loop.run_in_executor(self._threads, self._plugin, place)
        yield AppriseHandover(self._threads, self._service, self._transport, plugin, letter, place)

    async def close(self) -> None:
        """Wait for what is under way (each ends by its timeout), then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._transport.close()

    @cached_property
    def _factory(self) -> Callable[..., Any]:
        plugin = plugin_of(*self._service.plugin, self._transport)
        return type(plugin.__name__, (plugin,), dict(self._service.members))

    def _plugin(self, place: re.Match[str]) -> Any:
        options = {"cto": self._timeout, "rto": self._timeout, **self._service.options(place)}
        plugin = self._factory(**options)
        # Really seconds between two requests of one object; limits are kept where deliveries are claimed.
        plugin.request_rate_per_sec = 0
        return plugin


class AppriseHandover:
    """A message ready to leave."""

    def __init__(  # what belongs to one letter
        self,
        threads: ThreadPoolExecutor,
        service: AppriseService,
        transport: Transport,
        plugin: Any,
        letter: Letter,
        place: re.Match[str],
    ) -> None:
        self._threads = threads
        self._service = service
        self._transport = transport
        self._plugin = plugin
        self._letter = letter
        self._place = place

    async def send(self) -> Receipt:
        """Let it leave, once."""
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._threads, self._publish)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            raise OutcomeUnknown("the plugin made no request that we saw")
        return self._service.read(outcome, self._letter, self._place)

    def _publish(self) -> Answer | Exception | None:
        letter, service = self._letter, self._service
        self._transport.taken()
        self._transport.amend(lambda request: service.amend(letter, request))
        text = letter.text[: service.most_characters]
        try:
            self._plugin.send(body=text, title=letter.subject, body_format="text")
        except Exception as error:  # noqa: BLE001 # over an answer that it did not expect, mostly
            return self._transport.taken() or error
        return self._transport.taken()
