"""The site that a destination is at: what counts our messages beside the provider that carries them.

Pure. A mail's site is its domain, a browser's its push service, a room's the room itself (Slack, Discord
and Telegram count by room). A telephone number, a device, and an application of Gotify have none: there
the provider counts. The site is stored as a keyed hash with the contact, so that the claim can ask for it
without opening the destination.
"""

from notifier.privacy import Vault
from notifier.push_places import DISCORD, SLACK, TELEGRAM, endpoint_host, service_of

ROOMS = frozenset({SLACK, DISCORD, TELEGRAM})


def site_of(channel: str, destination: str) -> str | None:
    """The site in clear; None: there is none."""
    if channel == "email":
        return domain_of(destination.rpartition("@")[2])
    if channel != "push":
        return None
    if service_of(destination) in ROOMS:
        return destination
    return endpoint_host(destination)


def domain_of(name: str) -> str | None:
    """A mail domain as it is compared: lower case, IDNA."""
    try:
        return name.strip().rstrip(".").encode("idna").decode("ascii").lower() or None
    except UnicodeError:
        return None


def site_lookup(vault: Vault, channel: str, destination: str) -> str:
    """The keyed hash of a destination's site, hex; empty: it has none."""
    site = site_of(channel, destination)
    return "" if site is None else domain_lookup(vault, site, channel)


def domain_lookup(vault: Vault, site: str, channel: str = "email") -> str:
    """The keyed hash of a site."""
    return vault.destination_lookup(f"{channel} site", site)
