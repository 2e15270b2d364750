"""12 The channels that settings switch on, wired to their providers; holds no logic."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import SecretStr

from config.channel_settings import (
    EmailSettings,
    SecondEmailSettings,
    SmsSettings,
    decoded_dkim_key,
)
from config.rules import LOOPBACK_HOSTS
from config.settings import Settings
from notifier.callbacks import postmark
from notifier.callbacks.tidings import CALLBACKS_PATH, DELIVERY_PARAMETER
from notifier.channels.channel import Channel
from notifier.channels.dkim import DkimSigner
from notifier.channels.email import FIRST, SECOND, EmailChannel
from notifier.channels.mime import sender_domain
from notifier.channels.push_services import PushServices
from notifier.channels.receiver_address import ReceiverRules
from notifier.channels.several import Several
from notifier.channels.sms.aws_signing import AwsKey
from notifier.channels.sms.sns import SnsAccount, SnsChannel
from notifier.channels.sms.twilio import TwilioAccount, TwilioChannel
from notifier.channels.sms.vonage import VonageAccount, VonageChannel
from notifier.channels.smtp_pool import SmtpServer
from notifier.channels.webhook import WebhookChannel
from notifier.push_on import push_services


def build_channels(settings: Settings) -> dict[str, Channel]:
    """The channels that settings switch on, by name."""
    channels: dict[str, Channel] = {}
    if settings.email.enabled:
        channels["email"] = _together("email", _mail_servers(settings))
    texting = [each for each in (settings.sms, settings.second_sms) if each.provider in _SMS]
    if texting:
        channels["sms"] = _together(
            "sms", [_SMS[each.provider](settings, each) for each in texting]
        )
    if settings.webhooks.enabled:
        channels["webhook"] = webhook_channel(settings)
    services = push_services(settings)
    if services:
        channels["push"] = PushServices(services)
    return channels


def _together(name: str, providers: Sequence[Channel]) -> Channel:
    return providers[0] if len(providers) == 1 else Several(name, providers)


def _mail_servers(settings: Settings) -> list[Channel]:
    servers: list[Channel] = [_email(settings, settings.email, FIRST)]
    if settings.second_email.enabled:
        servers.append(_email(settings, settings.second_email, SECOND))
    return servers


def _email(
    settings: Settings, server: EmailSettings | SecondEmailSettings, provider: str
) -> EmailChannel:
    email = settings.email
    place = SmtpServer(
        host=server.host or "",
        port=server.port,
        tls=server.tls,
        username=server.username,
        password=_clear(server.password),
        timeout_seconds=server.timeout_seconds,
        local_hostname=sender_domain(email.sender or "") or "localhost",
    )
    signer = None
    if email.dkim_key is not None:
        signer = DkimSigner(
            email.dkim_domain or sender_domain(email.sender or ""),
            email.dkim_selector or "",
            decoded_dkim_key(email.dkim_key.get_secret_value()),
        )
    return EmailChannel(
        place,
        sender=email.sender or "",
        connections=server.connections,
        signer=signer,
        provider=provider,
        mark=postmark.HEADER if _postmark_tells(settings) else None,
    )


def _postmark_tells(settings: Settings) -> bool:
    """Whether Postmark calls back, or is asked: it names mails by a header then."""
    told = (settings.callbacks.postmark_login, settings.look_ups.postmark_token)
    return any(each is not None for each in told)


def webhook_channel(settings: Settings) -> WebhookChannel:
    """The channel of outgoing webhooks; the API tries receivers out by it too."""
    webhooks = settings.webhooks
    return WebhookChannel(
        ReceiverRules(webhooks.allowed_networks), timeout_seconds=webhooks.timeout_seconds
    )


def _twilio(settings: Settings, sms: SmsSettings) -> TwilioChannel:
    account = TwilioAccount(
        base_url=sms.base_url,
        account_sid=sms.account_sid or "",
        auth_token=_clear(sms.auth_token) or "",
        sender=sms.sender or "",
        timeout_seconds=sms.timeout_seconds,
        validity_seconds=sms.validity_seconds,
        status_callback=status_callback(settings, sms),
    )
    return TwilioChannel(account)


def _vonage(_: Settings, sms: SmsSettings) -> VonageChannel:
    return VonageChannel(
        VonageAccount(
            base_url=sms.base_url,
            api_key=sms.account_sid or "",
            api_secret=_clear(sms.auth_token) or "",
            sender=sms.sender or "",
            timeout_seconds=sms.timeout_seconds,
            validity_seconds=sms.validity_seconds,
        )
    )


def _sns(_: Settings, sms: SmsSettings) -> SnsChannel:
    key = AwsKey(sms.account_sid or "", _clear(sms.auth_token) or "", sms.region, "sns")
    return SnsChannel(
        SnsAccount(
            base_url=sms.base_url,
            key=key,
            sender=sms.sender or "",
            timeout_seconds=sms.timeout_seconds,
        )
    )


_SMS: Mapping[str, Callable[[Settings, SmsSettings], Channel]] = {
    "twilio": _twilio,
    "vonage": _vonage,
    "sns": _sns,
}


def status_callback(settings: Settings, sms: SmsSettings) -> str | None:
    """Where Twilio calls back; nowhere if it could not: it refuses messages that name a loopback host."""
    base = settings.callbacks.base_url or settings.api.public_url
    if base is None:
        return None
    if _is_here(base) and not _is_here(sms.base_url):
        return None
    return f"{base}{CALLBACKS_PATH.format(provider='twilio')}?{DELIVERY_PARAMETER}="


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK_HOSTS


def _clear(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
