"""One HTTP POST to an RPC endpoint, bounded in time and size; what it carries is rpc.py's business."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, Protocol

import aiohttp

from ingest.errors import AnswerTooLarge, RpcUnavailable

# The largest honest page is about 22 MB: 1,000 events, each as large as the network's limit of 16 KB.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "pausewire"}
_SECONDS: Final = re.compile(r"\d{1,6}(\.\d+)?")

# Everything aiohttp raises about the far side: its own tree, and what the loop lets through.
TRANSPORT_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)


class HttpAnswer(NamedTuple):
    """What came back; `retry_after`: seconds, where the far side said so."""

    status: int
    retry_after: float | None
    body: bytes


class Transport(Protocol):
    """Carries one request; `name` says where to, without any secret in the URL."""

    @property
    def name(self) -> str:
        """Host and port."""
        ...

    async def post(self, body: bytes) -> HttpAnswer:
        """Send JSON, return whatever status came back. Raises RpcUnavailable."""
        ...


class HttpTransport:
    """POST by aiohttp over the session's kept-open connections. Redirects are not followed."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        timeout_seconds: float,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._max_bytes = max_bytes
        host = re.sub(r"^[a-z]+://(?:[^@/]*@)?", "", url)
        # Host and port only: paths and queries of RPC URLs often carry a key.
        self.name = re.split(r"[/?#]", host, maxsplit=1)[0]

    async def post(self, body: bytes) -> HttpAnswer:
        """Send JSON, return whatever status came back. Raises RpcUnavailable."""
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers=_HEADERS,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                answer = await self._read(response)
        except TRANSPORT_ERRORS as error:
            # aiohttp's texts may hold the URL, so only the kind of error is told.
            raise RpcUnavailable(f"{self.name}: {type(error).__name__}") from error
        return HttpAnswer(response.status, _seconds_of(response.headers.get("Retry-After")), answer)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        answer = bytearray()
        async for chunk in response.content.iter_any():
            answer += chunk
            if len(answer) > self._max_bytes:
                raise AnswerTooLarge(f"{self.name}: the answer exceeds {self._max_bytes} bytes")
        return bytes(answer)


def _seconds_of(retry_after: str | None) -> float | None:
    """Retry-After: seconds or an HTTP date; anything else is as good as absent."""
    if retry_after is None:
        return None
    if _SECONDS.fullmatch(retry_after.strip()):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
