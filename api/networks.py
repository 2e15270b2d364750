"""Where a request comes from: the address behind the proxies that we trust, and networks that may ask.

A proxy says in X-Forwarded-For whom it answers; anybody can say that. So the header is read from its
right end, where the nearest proxy wrote, as long as the address that said it is a trusted proxy's. Without
trusted proxies the header means nothing. The same holds for X-Forwarded-Proto.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Network = IPv4Network | IPv6Network
_MOST_HOPS: Final = 20
_LONGEST_HEADER: Final = 1_000
_SCHEMES: Final = frozenset({"http", "https"})


def parsed(text: str | None) -> IPv4Address | IPv6Address | None:
    """An address, an IPv4 one also where it is written as IPv6; None: it is none."""
    try:
        address = ip_address((text or "").strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def within(text: str | None, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks; what is no address is in none."""
    address = parsed(text)
    return address is not None and any(address in network for network in networks)


def behind_proxies(peer: str | None, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """Who asks: the peer, or whom trusted proxies say they answer. What cannot be read ends the search."""
    asking = peer
    hops = forwarded.split(",")[-_MOST_HOPS:] if len(forwarded) <= _LONGEST_HEADER else []
    for hop in reversed(hops):
        if not within(asking, trusted) or parsed(hop) is None:
            break
        asking = str(parsed(hop))
    return asking


class ClientAddress:
    """Puts the address and scheme that trusted proxies tell where the rest of the API looks."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as ASGI has it."""
        peer = scope.get("client")
        if scope["type"] == "http" and peer and within(peer[0], self._trusted):
            headers = Headers(scope=scope)
            told = ",".join(headers.getlist("x-forwarded-for"))
            scheme = headers.get("x-forwarded-proto", "").strip().lower()
            scope["client"] = (behind_proxies(peer[0], told, self._trusted), peer[1])
            if scheme in _SCHEMES:
                scope["scheme"] = scheme
        await self._app(scope, receive, send)
