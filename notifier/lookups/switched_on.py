"""The providers that settings make askable, wired; holds no logic."""

from collections.abc import Iterator

from config.channel_settings import SmsSettings
from config.settings import Settings
from notifier.lookups.provider import LookUp
from notifier.lookups.twilio import TwilioLookUp
from notifier.lookups.vonage import VonageLookUp


def look_ups(settings: Settings) -> list[LookUp]:
    """Those that are on and can be asked."""
    if not settings.look_ups.enabled:
        return []
    return [found for sms in (settings.sms, settings.second_sms) for found in _of(settings, sms)]


def _of(settings: Settings, sms: SmsSettings) -> Iterator[LookUp]:
    account = sms.account_sid or ""
    secret = "" if sms.auth_token is None else sms.auth_token.get_secret_value()
    if sms.provider == "twilio":
        yield TwilioLookUp(sms.base_url, account, secret)
    elif sms.provider == "vonage":
        yield VonageLookUp(settings.look_ups.vonage_url, account, secret)
