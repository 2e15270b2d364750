"""13 The guest list that settings ask for; holds no logic."""

from urllib.parse import urlsplit

from config.rules import LOOPBACK_HOSTS
from config.settings import Settings
from notifier.guests import GuestList, everybody, guest_list
from notifier.push_on import push_addresses
from notifier.states import CANARY

PRODUCTION = "production"


def guests_of(settings: Settings) -> GuestList:
    """Who may be written to: everybody in production, elsewhere guests and what a catcher takes."""
    if settings.environment == PRODUCTION:
        return everybody(settings.network.passphrase)
    hosts = [
        ("email", settings.email.host),
        ("sms", urlsplit(settings.sms.base_url).hostname),
        *((f"push {name}", urlsplit(url).hostname) for name, url in push_addresses(settings)),
    ]
    if settings.second_email.enabled:
        hosts.append(("email", settings.second_email.host))
    if settings.second_sms.provider != "none":
        hosts.append(("sms", urlsplit(settings.second_sms.base_url).hostname))
    away = {channel for channel, host in hosts if host not in LOOPBACK_HOSTS}
    catchers = frozenset(channel for channel, _ in hosts) - away
    catchers |= {CANARY}  # of that name is the channel that ends in this process
    return guest_list(settings.guests.places, catchers, settings.network.passphrase)
