"""Push services reached by Apprise: a channel, a place, and what the real one answers in each case."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from notifier.channels import device_services, fcm, room_services
from notifier.channels.apprise_channel import AppriseChannel, AppriseService
from notifier.channels.google_token import GoogleTokens, ServiceAccount
from tests.fakes.http_provider import Scripted

SLOW = 1.0


@cache
def service_account() -> ServiceAccount:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return ServiceAccount(project_id="caught", client_email="a@b.test", private_key=pem)


class KnownTokens(GoogleTokens):
    """Has a token already."""

    def token(self) -> str:
        return "ya29.known"


class PushBench(NamedTuple):
    """`account`: what is answered when our own standing is at fault; None: nobody has one there."""

    make: Callable[[str], AppriseService]
    place: str
    takes: Scripted
    refuses: Scripted
    later: Scripted
    account: Scripted | None

    def answers(self) -> dict[str, Scripted]:
        found = {
            "takes": self.takes,
            "refuses": self.refuses,
            "later": self.later,
            "cut": Scripted(cut=True),
            "slow": Scripted(self.takes.status, self.takes.body, slow_seconds=SLOW),
        }
        return found if self.account is None else found | {"account": self.account}


def channel(bench: PushBench, url: str, timeout_seconds: float = 0.3) -> AppriseChannel:
    return AppriseChannel(bench.make(url), timeout_seconds=timeout_seconds)


BUSY = {"Retry-After": "7"}
PUSH_BENCHES = {
    "fcm": PushBench(
        lambda url: fcm.fcm("caught", KnownTokens(service_account()), place=url),
        "fcm:pausewire-ana-0123456789",
        Scripted(200, '{"name": "projects/caught/messages/0:1"}'),
        Scripted(
            404,
            '{"error": {"status": "NOT_FOUND", "message": "no pausewire-ana-0123456789",'
            ' "details": [{"errorCode": "UNREGISTERED"}]}}',
        ),
        Scripted(503, '{"error": {"status": "UNAVAILABLE"}}', BUSY),
        Scripted(401, '{"error": {"status": "UNAUTHENTICATED"}}'),
    ),
    "pushover": PushBench(
        lambda url: device_services.pushover("a" * 30, place=url),
        "pushover:" + "1555" * 7 + "ab",
        Scripted(200, '{"status": 1, "request": "r-1"}'),
        Scripted(
            400, '{"user": "invalid", "errors": ["no %s"], "status": 0}' % ("1555" * 7 + "ab")
        ),
        Scripted(429, '{"errors": ["limit"], "status": 0}', BUSY),
        Scripted(400, '{"token": "invalid", "errors": ["token"], "status": 0}'),
    ),
    "gotify": PushBench(
        device_services.gotify,
        "gotify:A.1555-pausewire",
        Scripted(200, '{"id": 25, "appid": 1}'),
        Scripted(401, '{"errorDescription": "no A.1555-pausewire"}'),
        Scripted(503, "{}", BUSY),
        None,
    ),
    "slack": PushBench(
        lambda url: room_services.slack(place=url),
        "slack:T0001/B0001/1555155515551555",
        Scripted(200, "ok"),
        Scripted(404, "no_service 1555155515551555"),
        Scripted(429, "rate_limited", BUSY),
        None,
    ),
    "discord": PushBench(
        lambda url: room_services.discord(place=url),
        "discord:123456789012345678/" + "1555" * 12,
        Scripted(200, '{"id": "99"}'),
        Scripted(404, '{"message": "Unknown Webhook %s"}' % ("1555" * 12)),
        Scripted(429, '{"retry_after": 7.0}', BUSY),
        None,
    ),
    "telegram": PushBench(
        lambda url: room_services.telegram("123456789:" + "A" * 35, place=url),
        "telegram:-155515551",
        Scripted(200, '{"ok": true, "result": {"message_id": 5}}'),
        Scripted(400, '{"ok": false, "description": "chat -155515551 not found"}'),
        Scripted(429, '{"ok": false, "parameters": {"retry_after": 7}}'),
        Scripted(401, '{"ok": false, "description": "Unauthorized"}'),
    ),
}
