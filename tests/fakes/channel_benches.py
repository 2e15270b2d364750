"""Every channel and provider before a real local server, with a destination for each behaviour of it."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_network
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from notifier.channels.channel import Channel, Letter
from notifier.channels.email import EmailChannel
from notifier.channels.push import NtfyServer, PushChannel
from notifier.channels.receiver_address import ReceiverRules
from notifier.channels.several import Several
from notifier.channels.sms.aws_signing import AwsKey
from notifier.channels.sms.sns import SnsAccount, SnsChannel
from notifier.channels.sms.twilio import TwilioAccount, TwilioChannel
from notifier.channels.sms.vonage import VonageAccount, VonageChannel
from notifier.channels.smtp_pool import SmtpServer
from notifier.channels.vapid import VapidKey
from notifier.channels.web_push import WebPushChannel
from notifier.channels.webhook import Receiver, WebhookChannel, destination_of
from simulator.catchers.web_push_keys import subscription_keys
from tests.fakes.http_provider import HttpProvider, Scripted, http_provider
from tests.fakes.lies import DEEP, NO_UTF8, SAYS_TOO_MUCH, hostile, in_pieces, nonsense
from tests.fakes.mail_server import ScriptedMail, free_port, mail_server
from tests.fakes.push_benches import PUSH_BENCHES, PushBench, channel

LETTER = Letter(
    delivery_id=UUID(int=7),
    thread="CABC.7",
    subject="Your pay stream was paused",
    text="It stopped at 14:03 UTC.",
    html="<p>It stopped at 14:03 UTC.</p>",
    planned_at=1_790_000_000_000_000,
    deadline_at=1_790_003_600_000_000,
)
LOOPBACK = ReceiverRules([ip_network("127.0.0.0/8")])
PATIENT, IMPATIENT = 5.0, 0.5  # seconds: a busy machine is no slow provider
SLOW = 1.0
NUMBER = "+15550100001"
FAR = "Wed, 21 Oct 2099 07:28:00 GMT"
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


@dataclass
class Bench:
    """A channel, what arrived, how often it was asked, and a destination for each kind of answer.

    `family`: whose promises it keeps: `keyless` HTTP, `repeatable` HTTP (the far side knows a repeat by
    its id), `mail`.
    """

    family: str
    channel: Channel
    arrived: Callable[[], int]
    asked: Callable[[], int]
    arrange: Callable[[str], str]
    # The same before a port where nobody listens.
    away: Callable[[], tuple[Channel, str]]
    has_account: bool = True
    written: Callable[[], int] = lambda: 0


class HttpBench(NamedTuple):
    """`make`: a channel to an address, by its timeout; `place`: its destination; `busy`: a 429's words."""

    make: Callable[[str, float], Channel]
    place: Callable[[str], str]
    takes: Scripted
    refuses: Scripted
    later: Scripted
    account: Scripted | None = None
    busy: str = "{}"
    family: str = "keyless"

    def answer(self, case: str) -> Scripted:
        takes, busy = self.takes, Scripted(429, self.busy)
        own = {
            "takes": takes,
            "refuses": self.refuses,
            "later": self.later,
            "account": self.account or Scripted(),
            "busy": busy,
            "busy_seconds": replace(busy, headers={"Retry-After": "11"}),
            "busy_date": replace(busy, headers={"Retry-After": FAR}),
            "busy_past": replace(busy, headers={"Retry-After": PAST}),
            "busy_nonsense": replace(busy, headers={"Retry-After": "soon"}),
            "busy_too_much": Scripted(429, SAYS_TOO_MUCH, {"Retry-After": "9" * 5000}),
            "away_seconds": Scripted(503, "{}", {"Retry-After": "11"}),
            "slow_before": Scripted(early=True, slow_seconds=SLOW),
            "slow_after": replace(takes, slow_seconds=SLOW),
            "cut_before": Scripted(early=True, cut=True),
            "cut_after": Scripted(cut=True),
            "says_yes": replace(takes, is_kept=False),
            "says_no": Scripted(500, "{}"),
            "in_pieces": in_pieces(takes),
            "no_deep": Scripted(400, DEEP),
            "no_no_utf8": Scripted(400, NO_UTF8),
            "error_deep": Scripted(500, DEEP),
            "moved": Scripted(302, "", {"Location": "/elsewhere"}),
        }
        return (own | nonsense(takes) | hostile(takes))[case]


def _twilio(url: str, timeout: float) -> Channel:
    account = TwilioAccount(
        base_url=url,
        account_sid="AC1",
        auth_token="secret",
        sender="+15550100000",
        timeout_seconds=timeout,
    )
    return TwilioChannel(account)


def _vonage(url: str, timeout: float) -> Channel:
    account = VonageAccount(
        base_url=url, api_key="k", api_secret="s", sender="Pausewire", timeout_seconds=timeout
    )
    return VonageChannel(account)


def _sns(url: str, timeout: float) -> Channel:
    key = AwsKey("AKIA", "secret", "us-east-1", "sns")
    return SnsChannel(SnsAccount(base_url=url, key=key, sender="PAUSE", timeout_seconds=timeout))


def _web_push(_url: str, timeout: float) -> Channel:
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
    return WebPushChannel(key, LOOPBACK, timeout_seconds=timeout)


def subscription(endpoint: str) -> str:
    return json.dumps({"endpoint": endpoint, "keys": subscription_keys("ana")})


def _apprise(bench: PushBench) -> HttpBench:
    return HttpBench(
        lambda url, timeout: channel(bench, url, timeout),
        lambda _: bench.place,
        *(bench.takes, bench.refuses, bench.later, bench.account),
    )


BUSY = {"Retry-After": "7"}
VONAGE_PART = '{{"messages": [{{"to": "15550100001", "status": "{}", {}}}]}}'
SNS_ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
HTTP_BENCHES: dict[str, HttpBench] = {
    **{name: _apprise(bench) for name, bench in PUSH_BENCHES.items()},
    "twilio": HttpBench(
        _twilio,
        lambda _: NUMBER,
        Scripted(201, '{"sid": "SM1", "status": "queued"}'),
        Scripted(400, '{"code": 21211, "message": "bad To +15550100001"}'),
        Scripted(503, "{}", BUSY),
        Scripted(401, '{"code": 20003, "message": "Authenticate"}'),
        busy='{"code": 20429, "message": "Too Many Requests"}',
    ),
    "vonage": HttpBench(
        _vonage,
        lambda _: NUMBER,
        Scripted(200, VONAGE_PART.format("0", '"message-id": "0A00"')),
        Scripted(200, VONAGE_PART.format("7", '"error-text": "Number 15550100001 barred"')),
        Scripted(200, VONAGE_PART.format("1", '"error-text": "Throughput"')),
        Scripted(200, VONAGE_PART.format("4", '"error-text": "Bad Credentials"')),
    ),
    "sns": HttpBench(
        _sns,
        lambda _: NUMBER,
        Scripted(200, "<PublishResponse><MessageId>567910cd-659e</MessageId></PublishResponse>"),
        Scripted(400, SNS_ERROR.format("InvalidParameter", "+15550100001")),
        Scripted(400, SNS_ERROR.format("Throttling", "Rate exceeded")),
        Scripted(403, SNS_ERROR.format("InvalidClientTokenId", "no")),
        busy=SNS_ERROR.format("Throttling", "Rate exceeded"),
    ),
    "ntfy": HttpBench(
        lambda url, timeout: PushChannel(
            NtfyServer(url=url, token="tk_x", timeout_seconds=timeout)
        ),
        lambda _: "ntfy:pausewire-ana",
        Scripted(200, '{"id": "n1", "event": "message"}'),
        Scripted(400, '{"code": 40009, "error": "invalid request pausewire-ana"}'),
        Scripted(503, "{}", BUSY),
        Scripted(401, '{"code": 40101, "error": "unauthorized"}'),
    ),
    "webhook": HttpBench(
        lambda _, timeout: WebhookChannel(LOOPBACK, timeout_seconds=timeout),
        lambda url: destination_of(Receiver(f"{url}/hooks", (b"k" * 32,))),
        Scripted(200, "ok"),
        Scripted(410, "gone, says ana"),
        Scripted(503, "{}", BUSY),
        family="repeatable",
    ),
    "web_push": HttpBench(
        _web_push,
        lambda url: subscription(f"{url}/pausewire-ana"),
        Scripted(201, "", {"Location": "/messages/m1"}),
        Scripted(410, "gone"),
        Scripted(429, "{}", BUSY),
        family="repeatable",
    ),
}
# Case to the local part that ScriptedMail knows it by.
MAIL_CASES = {
    "takes": "ana",
    "account": "ana",
    "refuses": "nobody",
    "later": "later",
    "busy": "much",
    "slow_before": "sleepy",
    "slow_after": "slow",
    "cut_before": "gone",
    "cut_after": "cut",
    "says_yes": "liar",
    "says_no": "taker",
    "in_pieces": "pieces",
    "list": "odd",
    "html": "babble",
    "no_utf8": "bytes",
    "empty": "deaf",
    "half": "half",
    "long_header": "long",
    "many_headers": "many",
    "drips": "drips",
}


def http_bench(name: str, stack: ExitStack, timeout: float = PATIENT) -> Bench:
    given, provider = HTTP_BENCHES[name], stack.enter_context(http_provider())
    nobody = f"http://127.0.0.1:{free_port()}"
    return Bench(
        given.family,
        given.make(provider.url, timeout),
        lambda: len(provider.requests),
        lambda: provider.asked,
        partial(_scripted, provider, given),
        lambda: (given.make(nobody, timeout), given.place(nobody)),
        given.account is not None,
        lambda: provider.written,
    )


def _scripted(provider: HttpProvider, given: HttpBench, case: str) -> str:
    provider.answer = given.answer(case)
    return given.place(provider.url)


def _mailer(port: int, timeout: float = PATIENT, connections: int = 2) -> EmailChannel:
    server = SmtpServer(host="127.0.0.1", port=port, tls="none", timeout_seconds=timeout)
    return EmailChannel(server, sender="Pausewire <a@pausewire.test>", connections=connections)


def email_bench(stack: ExitStack, timeout: float = PATIENT) -> Bench:
    server = ScriptedMail()
    server.slow_seconds = SLOW
    port = stack.enter_context(mail_server(server))

    def arrange(case: str) -> str:
        server.refuse_sender = case == "account"
        return f"{MAIL_CASES[case]}@example.test"

    return Bench(
        "mail",
        _mailer(port, timeout),
        lambda: len(server.mails),
        lambda: server.connections,
        arrange,
        lambda: (_mailer(free_port()), "ana@example.test"),
    )


def second_email_bench(stack: ExitStack, timeout: float = PATIENT) -> Bench:
    """The second server of a channel whose first one is away."""
    second = email_bench(stack, timeout)
    both = Several("email", (_mailer(free_port()), second.channel))
    nobody = Several("email", (_mailer(free_port()), _mailer(free_port())))
    return replace(second, channel=both, away=lambda: (nobody, "ana@example.test"))


BENCHES: dict[str, Callable[..., Bench]] = {
    **{name: partial(http_bench, name) for name in HTTP_BENCHES},
    "email": email_bench,
    "second_email": second_email_bench,
}
