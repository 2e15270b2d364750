"""An HTTP session for places that strangers name: checked addresses, no cookies, short answers.

Webhooks and web push go through it. Redirects are the caller's to refuse.
"""

import aiohttp

from notifier.channels.receiver_address import CheckedResolver, ReceiverRules

_MOST_ANSWER_BYTES = 1024
_ANSWER_HEADER_BYTES = 8190
_DNS_SECONDS = 10  # checked addresses are reused for so long; connections to them, longer


class GuardedSession:
    """One session, opened at first use on the loop that runs then."""

    def __init__(
        self,
        rules: ReceiverRules,
        *,
        agent: str,
        timeout_seconds: float,
        resolver: CheckedResolver | None = None,
    ) -> None:
        self.rules = rules
        self._agent = agent
        self._timeout = timeout_seconds
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> aiohttp.ClientSession:
        """The session."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": self._agent, "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver or CheckedResolver(self.rules),
                    ttl_dns_cache=_DNS_SECONDS,
                    limit=0,  # the relay limits how many are under way
                ),
                cookie_jar=aiohttp.DummyCookieJar(),  # receivers do not learn of each other
                auto_decompress=False,
                max_line_size=_ANSWER_HEADER_BYTES,
                max_field_size=_ANSWER_HEADER_BYTES,
            )
        return self._session

    async def close(self) -> None:
        """Close it; closed twice is closed."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def beginning(response: aiohttp.ClientResponse) -> str:
    """The first words of an answer, for the log of deliveries; what follows is left unread."""
    words = await response.content.read(_MOST_ANSWER_BYTES)
    if not response.content.at_eof():
        response.close()
    return words.decode("utf-8", "replace")
