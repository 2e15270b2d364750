"""The providers that settings make askable, wired; holds no logic."""

from collections.abc import Iterator

from config.channel_settings import SmsSettings
from config.settings import Settings
from notifier.channels.email import FIRST, SECOND
from notifier.lookups.postmark import PostmarkLookUp
from notifier.lookups.provider import LookUp
from notifier.lookups.twilio import TwilioLookUp
from notifier.lookups.vonage import VonageLookUp


def look_ups(settings: Settings) -> list[LookUp]:
    """Those that are on and can be asked."""
    if not settings.look_ups.enabled:
        return []
    texting = (settings.sms, settings.second_sms)
    return [*(found for sms in texting for found in _of(settings, sms)), *_of_mails(settings)]


def _of(settings: Settings, sms: SmsSettings) -> Iterator[LookUp]:
    account = sms.account_sid or ""
    secret = "" if sms.auth_token is None else sms.auth_token.get_secret_value()
    if sms.provider == "twilio":
        yield TwilioLookUp(sms.base_url, account, secret)
    elif sms.provider == "vonage":
        yield VonageLookUp(settings.look_ups.vonage_url, account, secret)


def _of_mails(settings: Settings) -> Iterator[LookUp]:
    token = settings.look_ups.postmark_token
    if token is None:
        return
    servers = ((settings.email, FIRST), (settings.second_email, SECOND))
    for server, provider in servers:
        if server.enabled:
            url = settings.look_ups.postmark_url
            yield PostmarkLookUp(provider, url, token.get_secret_value())
