"""Limits by address and by caller, told in every answer (draft-ietf-httpapi-ratelimit-headers).

An address is limited before anything else is done for it, so that guessing keys is slow; the holder of a
key or session when it was found good, so that nobody can use up another's share by naming its id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.networks import parsed
from api.people_problems import RATE_LIMITED
from api.problem_answers import answer
from api.problems import Problem
from api.request_counts import WINDOW_SECONDS, RequestCounts, Taken
from notifier.privacy import Vault

RATE_HEADERS: Final = ("RateLimit-Policy", "RateLimit")
BY_CALLER: Final = "caller"
BY_ADDRESS: Final = "address"
_STATE: Final = "rate_limit"
_SUBJECT_HEX: Final = 32
_IPV6_SITE: Final = 64  # what one subscriber has at least
# Watched from within, or called by few addresses for many: these have limits of their own.
_FREE: Final = re.compile(r"/(livez|readyz|health|metrics|v1/providers/[^/]+/callbacks)")


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests a minute; None: no limit."""

    of_caller: int | None = None
    of_address: int | None = None


UNLIMITED: Final = RateLimits()


class Limiter:
    """Holds the counts of this process against the limits."""

    def __init__(self, counts: RequestCounts, limits: RateLimits, vault: Vault) -> None:
        self._counts = counts
        self._limits = limits
        self._vault = vault

    def caller(self, identity: str, own_limit: int | None) -> Taken | None:
        """Count a request of a key or session; `own_limit`: a key's, instead of the usual one."""
        limit = own_limit or self._limits.of_caller
        return None if limit is None else self._counts.take(identity, limit)

    def address(self, client: str | None) -> Taken | None:
        """Count a request of an address; of IPv6 its /64 counts as one."""
        if self._limits.of_address is None:
            return None
        known = parsed(client)
        if isinstance(known, IPv6Address):
            client = str(ip_network((known, _IPV6_SITE), strict=False))
        subject = self._vault.tag("address", client or "").hex()[:_SUBJECT_HEX]
        return self._counts.take(subject, self._limits.of_address)


def told(scope: Scope, policy: str, taken: Taken | None) -> None:
    """Note a count for the answer's headers. Raises Problem where the share is used up."""
    if taken is None:
        return
    scope.setdefault("state", {})[_STATE] = (policy, taken)
    if not taken.allowed:
        raise _too_many(policy, taken)


class AddressLimit:
    """Limits addresses, and writes the headers of whichever limit was counted last."""

    def __init__(self, app: ASGIApp, limiter: Limiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        if scope["type"] != "http" or _FREE.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            noted = scope.get("state", {}).get(_STATE)
            if message["type"] == "http.response.start" and noted is not None:
                headers = MutableHeaders(scope=message)
                for name, value in _headers(*noted).items():
                    headers[name] = value
            await send(message)

        client = scope.get("client")
        try:
            told(scope, BY_ADDRESS, self._limiter.address(client and client[0]))
        except Problem as problem:
            await answer(problem, scope["path"])(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _headers(policy: str, taken: Taken) -> Mapping[str, str]:
    return {
        "RateLimit-Policy": f'"{policy}";q={taken.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"{policy}";r={taken.remaining};t={taken.reset_seconds}',
    }


def _too_many(policy: str, taken: Taken) -> Problem:
    who: dict[str, Any] = {BY_CALLER: "this key or session", BY_ADDRESS: "this address"}
    detail = f"{who[policy]} may ask {taken.limit} times a minute"
    return Problem(RATE_LIMITED, detail, headers={"Retry-After": str(taken.reset_seconds)})
