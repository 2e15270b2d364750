"""One form posted to an SMS provider, and what came back: what Vonage's and Amazon's adapters share.

Neither has an idempotency key: what no answer settled stays unknown.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import aiohttp

from notifier.channels.channel import Receipt
from notifier.channels.http_answers import MOST_ANSWER_BYTES
from notifier.errors import ChannelUnavailable, OutcomeUnknown

# An idle connection may be closed by the far side just as we use it, which is then unknown: go first.
KEEP_ALIVE_SECONDS = 10.0


class Posted(NamedTuple):
    """An answer, whatever it says."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class FormPoster:
    """Keeps a session to one provider, bound to the loop it first ran on."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """POST once. Raises ChannelUnavailable where nothing left, OutcomeUnknown where no answer came."""
        try:
            async with self._open().post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return Posted(response.status, response.headers, await body_of(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ChannelUnavailable(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(type(error).__name__) from error

    async def close(self) -> None:
        """Close the session; closed twice is closed."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=self._timeout / 2),
                connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE_SECONDS),
            )
        return self._session


async def body_of(response: aiohttp.ClientResponse, most: int = MOST_ANSWER_BYTES) -> bytes:
    """An answer's body, in however many pieces it comes; of one without an end, `most` bytes."""
    body = b""
    while len(body) < most:
        piece = await response.content.read(most - len(body))
        if not piece:
            return body
        body += piece
    response.close()
    return body


class FormHandover:
    """A form ready to be posted; `read` makes a receipt or an error of the answer."""

    def __init__(
        self, post: Callable[[], Awaitable[Posted]], read: Callable[[Posted], Receipt]
    ) -> None:
        self._post = post
        self._read = read

    async def send(self) -> Receipt:
        """Post it, once."""
        return self._read(await self._post())
