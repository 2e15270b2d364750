"""12 The push services that settings switch on, wired; holds no logic."""

from collections.abc import Iterator
from email.utils import parseaddr

from config.push_settings import decoded_fcm_key, decoded_vapid_key
from config.settings import Settings
from notifier.channels import device_services, fcm, room_services
from notifier.channels.apprise_channel import AppriseChannel, AppriseService
from notifier.channels.channel import Channel
from notifier.channels.google_token import TOKEN_URL, GoogleTokens, ServiceAccount
from notifier.channels.push import NtfyServer, PushChannel
from notifier.channels.receiver_address import ReceiverRules
from notifier.channels.vapid import VapidKey
from notifier.channels.web_push import WebPushChannel
from notifier.push_places import (
    DISCORD,
    FCM,
    GOTIFY,
    NTFY,
    PUSHOVER,
    SLACK,
    TELEGRAM,
    WEB_PUSH,
)

# Services of the internet that catchers can stand in for, each under a path of its own name.
CATCHABLE = (FCM, PUSHOVER, TELEGRAM, SLACK, DISCORD)


def push_services(settings: Settings) -> dict[str, Channel]:
    """The services that are on, by name."""
    services: dict[str, Channel] = {}
    push = settings.push
    if push.ntfy_url is not None:
        services[NTFY] = PushChannel(
            NtfyServer(
                url=push.ntfy_url,
                token=None if push.token is None else push.token.get_secret_value(),
                timeout_seconds=push.timeout_seconds,
                threads=settings.broker.worker_threads,
            )
        )
    if push.vapid_key is not None:
        services[WEB_PUSH] = _web_push(settings)
    for service in _by_apprise(settings):
        services[service.provider] = AppriseChannel(
            service, timeout_seconds=push.timeout_seconds, threads=settings.broker.worker_threads
        )
    return services


def push_services_on(settings: Settings) -> bool:
    """Whether there is any."""
    push = settings.push
    secrets = (push.ntfy_url, push.vapid_key, push.fcm_key, push.pushover_token)
    rooms = (push.gotify_url, push.telegram_token, push.slack or None, push.discord or None)
    return any(each is not None for each in secrets + rooms)


def push_addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where each service is that is not at its own address on the internet."""
    push = settings.push
    yield NTFY, push.ntfy_url or ""
    yield GOTIFY, push.gotify_url or ""
    for name in CATCHABLE:
        yield name, push.catcher_url or ""


def _web_push(settings: Settings) -> WebPushChannel:
    push = settings.push
    sender = parseaddr(settings.email.sender or "")[1]
    text = "" if push.vapid_key is None else push.vapid_key.get_secret_value()
    return WebPushChannel(
        VapidKey(decoded_vapid_key(text), push.vapid_subject or f"mailto:{sender}"),
        ReceiverRules(settings.webhooks.allowed_networks),
        timeout_seconds=push.timeout_seconds,
    )


def _by_apprise(settings: Settings) -> Iterator[AppriseService]:
    push = settings.push

    def place(name: str, own: str) -> str:
        return own if push.catcher_url is None else f"{push.catcher_url}/{name}"

    if push.fcm_key is not None:
        yield _fcm(settings, place(FCM, fcm.FCM_URL))
    if push.pushover_token is not None:
        token = push.pushover_token.get_secret_value()
        yield device_services.pushover(token, place=place(PUSHOVER, device_services.PUSHOVER_URL))
    if push.gotify_url is not None:
        yield device_services.gotify(push.gotify_url)
    if push.telegram_token is not None:
        token = push.telegram_token.get_secret_value()
        yield room_services.telegram(token, place=place(TELEGRAM, room_services.TELEGRAM_URL))
    if push.slack:
        yield room_services.slack(place=place(SLACK, room_services.SLACK_URL))
    if push.discord:
        yield room_services.discord(place=place(DISCORD, room_services.DISCORD_URL))


def _fcm(settings: Settings, place: str) -> AppriseService:
    push = settings.push
    said = decoded_fcm_key("" if push.fcm_key is None else push.fcm_key.get_secret_value())
    account = ServiceAccount(
        project_id=said.project_id,
        client_email=said.client_email,
        private_key=said.private_key,
    )
    url = TOKEN_URL if push.catcher_url is None else f"{place}/token"
    tokens = GoogleTokens(account, url=url, timeout_seconds=push.timeout_seconds / 2)
    return fcm.fcm(said.project_id, tokens, place=place)
