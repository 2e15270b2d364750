"""No accident outside production: only guests are written to, and every text says which network it is of.

Pure. In: a channel and a destination in clear; the words of a letter. Out: whether it may leave; the words,
marked. The one gate stands where a destination is opened (letters.py), so no channel can go around it.
"""

import html
import re
from dataclasses import dataclass, field

from notifier.content import Rendered
from notifier.push_places import is_here, service_of

PUSH = "push"
NOT_A_GUEST = "not on the guest list"
_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestList:
    """Who may be written to. `catchers`: channels whose provider is on this machine and tells nobody.

    Of push each service stands by itself, as `push ntfy`.

    `network`: its name, which every text begins with; None: production, which needs no mark.
    """

    everybody: bool
    places: frozenset[str] = field(default=frozenset())
    catchers: frozenset[str] = field(default=frozenset())
    network: str | None = None

    def admits(self, channel: str, destination: str) -> bool:
        """Whether a letter may leave for this place. `@domain` admits everybody at the domain."""
        if self.everybody or self._is_caught(channel, destination):
            return True
        place = destination.strip().casefold()
        _, at, domain = place.rpartition("@")
        return place in self.places or (bool(at) and f"@{domain}" in self.places)

    def _is_caught(self, channel: str, destination: str) -> bool:
        if channel != PUSH:
            return channel in self.catchers
        # A browser's push service is whoever the subscription names, on this machine or far away.
        return f"{PUSH} {service_of(destination)}" in self.catchers or is_here(destination)


EVERYBODY = GuestList(everybody=True)


def guest_list(places: tuple[str, ...], catchers: frozenset[str], passphrase: str) -> GuestList:
    """The list of a deployment outside production."""
    named = frozenset(place.casefold() for place in places)
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
