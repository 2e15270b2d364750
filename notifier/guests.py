"""No accident outside production: only guests are written to, and every text says which network it is of.

Pure. In: a channel and a destination in clear; the words of a letter. Out: the destination as channels
take it, or none; the words, marked. Every letter passes here: channels take Admitted destinations, which
nothing else makes (tests/house/test_ways_out.py), and whoever sends has to be given a list.
"""

import html
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from notifier.channels.channel import Admitted
from notifier.channels.webhook import url_of
from notifier.content import EMAIL, Rendered
from notifier.push_places import is_here, service_of

PUSH = "push"
WEBHOOK = "webhook"
NOT_A_GUEST = "not on the guest list"
_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestList:
    """Who may be written to. `catchers`: channels whose provider is on this machine and tells nobody.

    Of push each service stands by itself, as `push ntfy`; of webhooks each receiver by its URL.

    `network`: its name. `places`: in the form of `_folded`.
    """

    everybody: bool
    network: str
    places: frozenset[str] = field(default=frozenset())
    catchers: frozenset[str] = field(default=frozenset())

    @property
    def mark(self) -> str | None:
        """What every text begins with; None: production, which needs no mark."""
        return None if self.everybody else self.network

    def admit(self, channel: str, destination: str) -> Admitted | None:
        """The destination, as channels take it; None: no letter may leave for it."""
        return Admitted(destination) if self.admits(channel, destination) else None

    def admits(self, channel: str, destination: str) -> bool:
        """Whether a letter may leave for this place. `@domain` admits every mailbox at the domain."""
        if self.everybody:
            return True
        if channel == WEBHOOK:
            return self._admits_receiver(url_of(destination))
        if self._is_caught(channel, destination):
            return True
        place = _folded(destination)
        _, at, domain = place.rpartition("@")
        at_domain = channel == EMAIL and bool(at) and f"@{domain}" in self.places
        return place in self.places or at_domain

    def _admits_receiver(self, url: str) -> bool:
        """By its host, whatever the port; or by the very URL."""
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return False
        return _is_this_machine(host) or host in self.places or _folded(url) in self.places

    def _is_caught(self, channel: str, destination: str) -> bool:
        if channel != PUSH:
            return channel in self.catchers
        # A browser's push service is whoever the subscription names, on this machine or far away.
        return f"{PUSH} {service_of(destination)}" in self.catchers or is_here(destination)


def everybody(passphrase: str) -> GuestList:
    """The list of production."""
    return GuestList(everybody=True, network=network_name(passphrase))


def guest_list(places: tuple[str, ...], catchers: frozenset[str], passphrase: str) -> GuestList:
    """The list of a deployment outside production."""
    named = frozenset(map(_folded, places))
    network = network_name(passphrase)
    return GuestList(everybody=False, places=named, catchers=catchers, network=network)


def network_name(passphrase: str) -> str:
    """As people say it: `Test SDF Network` of `Test SDF Network ; September 2015`."""
    return passphrase.partition(";")[0].strip()


def marked(words: Rendered, network: str | None) -> Rendered:
    """The words with the network's name before them; None: unchanged."""
    if network is None:
        return words
    mark = f"({network})"
    shown = None
    if words.html is not None:
        line = f"<p><strong>{html.escape(mark)}</strong></p>"
        shown, found = _BODY.subn(lambda tag: tag[0] + line, words.html, count=1)
        if not found:
            shown = line + words.html
    subject, text = f"{mark} {words.subject}", f"{mark} {words.text}"
    return words._replace(subject=subject, text=text, html=shown)


def _folded(place: str) -> str:
    """A place as it is compared: without case, but for what follows the host of a URL."""
    scheme, is_url, rest = place.strip().partition("://")
    if not is_url or scheme.casefold() not in {"http", "https"}:
        return place.strip().casefold()
    host, _, path = rest.partition("/")
    return f"{scheme.casefold()}://{host.casefold()}/{path}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
