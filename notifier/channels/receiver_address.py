"""Where an outgoing webhook may go: the addresses of the open internet, and what the operator allows.

Whoever may keep webhooks names the URL that our servers call. So that it cannot reach what only our
servers see (other services, a cloud's metadata), a name's addresses are checked as they are resolved,
and the connection is made to those very addresses: a name that answers differently the second time
changes nothing. IPv6 forms that carry an IPv4 address are judged by what they carry.
"""

import re
import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from notifier.errors import ReceiverRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2000
# RFC 6052: translated to IPv4 on the way. Of the local-use prefix (RFC 8215) nobody outside can know more.
_NAT64 = ip_network("64:ff9b::/96")
# What Python 3.11 calls global: site-local (RFC 3879), documentation (RFC 9637), 6to4 relays (RFC 7526).
_CLOSED = tuple(map(ip_network, ("fec0::/10", "3fff::/20", "192.88.99.0/24", "64:ff9b:1::/48")))
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
_DIGITS_ONLY = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?")
_LOCAL_ENDINGS = (".localhost", ".local", ".internal")


class AddressRefused(OSError):
    """A name leads where no webhook may go; aiohttp hands it on as the reason of a failed connect."""


class ReceiverRules:
    """`allowed`: networks that may be called though they are not of the open internet."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def check_url(self, url: str) -> None:
        """Refuse what can be told from the URL alone. Raises ReceiverRefused with the way out."""
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise ReceiverRefused(f"give an ASCII URL of at most {LONGEST_URL} characters")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ReceiverRefused("give a URL such as https://example.org/hooks") from error
        if parts.scheme != "https" and not (parts.scheme == "http" and self._allowed):
            raise ReceiverRefused("give a URL that starts with https://")
        if parts.username is not None or parts.password is not None:
            raise ReceiverRefused("give a URL without a name or password in it")
        if parts.fragment or port == 0:
            raise ReceiverRefused("give a URL without a fragment, and a port from 1 to 65535")
        self._check_host(host)

    def refuses(self, address: str) -> bool:
        """Whether this numeric address may not be called."""
        try:
            meant = ip_address(address)
        except ValueError:  # a zone, as in fe80::1%eth0, names an interface of ours
            return True
        meant = _carried(meant)
        return not (is_open(meant) or any(meant in network for network in self._allowed))

    def _check_host(self, host: str) -> None:
        if ":" in host or _DIGITS_ONLY.fullmatch(host):
            # aiohttp connects to numeric hosts without asking a resolver; shorthands (127.1, 0x7f000001,
            # 2130706433) are read differently by every library, so only the plain form is taken.
            if self.refuses(host):
                raise ReceiverRefused("give a host of the open internet, not a private address")
            return
        if not _HOST.fullmatch(host) or ".." in host:
            raise ReceiverRefused("give a URL with a host name")
        named_local = host == "localhost" or host.rstrip(".").endswith(_LOCAL_ENDINGS)
        if named_local and not self._allowed:
            raise ReceiverRefused("give a host of the open internet, not a local name")


def is_open(address: Address) -> bool:
    """Whether an address is one host of the open internet."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _CLOSED)
    )


def _carried(address: Address) -> Address:
    """The IPv4 address by which the network will understand an IPv6 one, or the address itself."""
    if isinstance(address, IPv4Address) or address.scope_id is not None:
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class CheckedResolver(AbstractResolver):
    """Resolves names and hands on only addresses that may be called: one that may not refuses them all."""

    def __init__(self, rules: ReceiverRules, inner: AbstractResolver | None = None) -> None:
        self._rules = rules
        self._inner = ThreadedResolver() if inner is None else inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The host's addresses. Raises AddressRefused, or OSError where there are none."""
        found = await self._inner.resolve(host, port, family)
        if any(self._rules.refuses(each["host"]) for each in found):
            raise AddressRefused("the name leads to a private address")
        return found

    async def close(self) -> None:
        """Close the resolver beneath."""
        await self._inner.close()


def is_refused(error: Any) -> bool:
    """Whether a failed connect failed because of where the name leads."""
    return isinstance(getattr(error, "os_error", None), AddressRefused)
