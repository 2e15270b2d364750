"""What every channel must do, met against a real server for each."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_network
from uuid import UUID

import pytest
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
from notifier.errors import (
    ChannelUnavailable,
    Deferred,
    DeliveryError,
    OutcomeUnknown,
    Permanent,
    ProviderFault,
    Transient,
)
from simulator.catchers.web_push_keys import subscription_keys
from tests.fakes.http_provider import Scripted, http_provider
from tests.fakes.mail_server import ScriptedMail, free_port, mail_server
from tests.fakes.push_benches import PUSH_BENCHES, channel

LETTER = Letter(
    delivery_id=UUID(int=7),
    thread="CABC.7",
    subject="Your pay stream was paused",
    text="It stopped at 14:03 UTC.",
    html="<p>It stopped at 14:03 UTC.</p>",
    planned_at=1_790_000_000_000_000,
    deadline_at=1_790_003_600_000_000,
)


@dataclass
class Bench:
    """A channel, where its letters arrive, and a destination for each kind of answer."""

    channel: Channel
    arrived: Callable[[], int]
    arrange: Callable[[str], str]
    far_side: object
    # Where the far side knows a repeat by its id, no answer means another try.
    without_answer: type[DeliveryError] = OutcomeUnknown


def email_bench(stack: ExitStack) -> Bench:
    server = ScriptedMail()
    server.slow_seconds = 1.0
    port = stack.enter_context(mail_server(server))
    channel = EmailChannel(
        SmtpServer(host="127.0.0.1", port=port, tls="none", timeout_seconds=0.3),
        sender="Pausewire <alerts@pausewire.test>",
        connections=2,
    )
    locals_ = {"takes": "ana", "refuses": "nobody", "later": "later", "cut": "cut", "slow": "slow"}

    def arrange(case: str) -> str:
        server.refuse_sender = case == "account"
        return f"{locals_.get(case, 'ana')}@example.test"

    return Bench(channel, lambda: len(server.mails), arrange, server)


def second_email_bench(stack: ExitStack) -> Bench:
    """The second server of a channel whose first one is away."""
    second = email_bench(stack)
    away = SmtpServer(host="127.0.0.1", port=free_port(), tls="none", timeout_seconds=0.3)
    first = EmailChannel(away, sender="Pausewire <alerts@pausewire.test>", connections=1)
    return replace(second, channel=Several("email", (first, second.channel)))


def sms_bench(stack: ExitStack) -> Bench:
    provider = stack.enter_context(http_provider())
    channel = TwilioChannel(
        TwilioAccount(
            base_url=provider.url,
            account_sid="AC1",
            auth_token="secret",
            sender="+15550100000",
            timeout_seconds=0.3,
        )
    )
    answers = {
        "takes": Scripted(201, '{"sid": "SM1", "status": "queued"}'),
        "refuses": Scripted(400, '{"code": 21211, "message": "bad To +15550100001"}'),
        "later": Scripted(503, "{}", {"Retry-After": "7"}),
        "cut": Scripted(cut=True),
        "slow": Scripted(201, '{"sid": "SM1"}', slow_seconds=1.0),
        "account": Scripted(401, '{"code": 20003, "message": "Authenticate"}'),
    }

    def arrange(case: str) -> str:
        provider.answer = answers[case]
        return "+15550100001"

    return Bench(channel, lambda: len(provider.requests), arrange, provider)


def push_bench(stack: ExitStack) -> Bench:
    provider = stack.enter_context(http_provider())
    channel = PushChannel(NtfyServer(url=provider.url, token="tk_x", timeout_seconds=0.3))
    answers = {
        "takes": Scripted(200, '{"id": "n1", "event": "message"}'),
        "refuses": Scripted(400, '{"code": 40009, "error": "invalid request pausewire-ana"}'),
        "later": Scripted(503, "{}", {"Retry-After": "7"}),
        "cut": Scripted(cut=True),
        "slow": Scripted(200, '{"id": "n1"}', slow_seconds=1.0),
        "account": Scripted(401, '{"code": 40101, "error": "unauthorized"}'),
    }

    def arrange(case: str) -> str:
        provider.answer = answers[case]
        return "ntfy:pausewire-ana"

    return Bench(channel, lambda: len(provider.requests), arrange, provider)


def webhook_bench(stack: ExitStack) -> Bench:
    provider = stack.enter_context(http_provider())
    channel = WebhookChannel(LOOPBACK, timeout_seconds=0.3)
    answers = {
        "takes": Scripted(200, "ok"),
        "refuses": Scripted(410, "gone, says ana"),
        "later": Scripted(503, "{}", {"Retry-After": "7"}),
        "cut": Scripted(cut=True),
        "slow": Scripted(200, "ok", slow_seconds=1.0),
    }

    def arrange(case: str) -> str:
        provider.answer = answers[case]
        return destination_of(Receiver(f"{provider.url}/hooks", (b"k" * 32,)))

    arrived = lambda: len(provider.requests)  # noqa: E731 # as the other benches
    return Bench(channel, arrived, arrange, provider, without_answer=Deferred)


def web_push_bench(stack: ExitStack) -> Bench:
    provider = stack.enter_context(http_provider())
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
    channel = WebPushChannel(key, LOOPBACK, timeout_seconds=0.3)
    answers = {
        "takes": Scripted(201, "", {"Location": "/messages/m1"}),
        "refuses": Scripted(410, "gone"),
        "later": Scripted(429, "{}", {"Retry-After": "7"}),
        "cut": Scripted(cut=True),
        "slow": Scripted(201, "", slow_seconds=1.0),
    }

    def arrange(case: str) -> str:
        provider.answer = answers[case]
        return subscription(f"{provider.url}/pausewire-ana")

    arrived = lambda: len(provider.requests)  # noqa: E731 # as the other benches
    return Bench(channel, arrived, arrange, provider, without_answer=Deferred)


def subscription(endpoint: str) -> str:
    return json.dumps({"endpoint": endpoint, "keys": subscription_keys("ana")})


VONAGE_PART = '{{"messages": [{{"to": "15550100001", "status": "{}", {}}}]}}'
SNS_ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"


def scripted_sms(
    stack: ExitStack, make: Callable[[str], Channel], answers: dict[str, Scripted]
) -> Bench:
    provider = stack.enter_context(http_provider())

    def arrange(case: str) -> str:
        provider.answer = answers[case]
        return "+15550100001"

    return Bench(make(provider.url), lambda: len(provider.requests), arrange, provider)


def vonage_bench(stack: ExitStack) -> Bench:
    def make(url: str) -> Channel:
        return VonageChannel(
            VonageAccount(
                base_url=url, api_key="k", api_secret="s", sender="Pausewire", timeout_seconds=0.3
            )
        )

    taken = VONAGE_PART.format("0", '"message-id": "0A00"')
    refused = VONAGE_PART.format("7", '"error-text": "Number 15550100001 barred"')
    return scripted_sms(
        stack,
        make,
        {
            "takes": Scripted(200, taken),
            "refuses": Scripted(200, refused),
            "later": Scripted(200, VONAGE_PART.format("1", '"error-text": "Throughput"')),
            "cut": Scripted(cut=True),
            "slow": Scripted(200, taken, slow_seconds=1.0),
            "account": Scripted(200, VONAGE_PART.format("4", '"error-text": "Bad Credentials"')),
        },
    )


def sns_bench(stack: ExitStack) -> Bench:
    def make(url: str) -> Channel:
        key = AwsKey("AKIA", "secret", "us-east-1", "sns")
        return SnsChannel(SnsAccount(base_url=url, key=key, sender="PAUSE", timeout_seconds=0.3))

    taken = "<PublishResponse><MessageId>567910cd-659e</MessageId></PublishResponse>"
    return scripted_sms(
        stack,
        make,
        {
            "takes": Scripted(200, taken),
            "refuses": Scripted(400, SNS_ERROR.format("InvalidParameter", "+15550100001")),
            "later": Scripted(400, SNS_ERROR.format("Throttling", "Rate exceeded")),
            "cut": Scripted(cut=True),
            "slow": Scripted(200, taken, slow_seconds=1.0),
            "account": Scripted(403, SNS_ERROR.format("InvalidClientTokenId", "no")),
        },
    )


def apprise_bench(name: str, stack: ExitStack) -> Bench:
    bench = PUSH_BENCHES[name]
    provider = stack.enter_context(http_provider())

    def arrange(case: str) -> str:
        provider.answer = bench.answers()[case]
        return bench.place

    arrived = lambda: len(provider.requests)  # noqa: E731 # as the other benches
    return Bench(channel(bench, provider.url), arrived, arrange, provider)


BENCHES: dict[str, Callable[[ExitStack], Bench]] = {
    **{name: partial(apprise_bench, name) for name in PUSH_BENCHES},
    "vonage": vonage_bench,
    "sns": sns_bench,
    "email": email_bench,
    "second_email": second_email_bench,
    "sms": sms_bench,
    "push": push_bench,
    "webhook": webhook_bench,
    "web_push": web_push_bench,
}
# Whoever is called there was named by a stranger: that he is away is no fault of the channel.
NAMED_BY_STRANGERS = ("webhook", "web_push")
HAVE_ACCOUNTS = (
    *("email", "second_email", "sms", "push", "vonage", "sns"),
    *(name for name, bench in PUSH_BENCHES.items() if bench.account is not None),
)
LOOPBACK = ReceiverRules([ip_network("127.0.0.0/8")])


@pytest.fixture(params=sorted(BENCHES))
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    with ExitStack() as stack:
        made = BENCHES[request.param](stack)
        yield made
        await made.channel.close()


async def attempt(bench: Bench, case: str) -> DeliveryError:
    destination = bench.arrange(case)
    with pytest.raises(DeliveryError) as caught:
        async with bench.channel.prepare(LETTER, destination) as handover:
            await handover.send()
    return caught.value


async def test_a_taken_letter_brings_the_far_sides_id(bench: Bench) -> None:
    async with bench.channel.prepare(LETTER, bench.arrange("takes")) as handover:
        receipt = await handover.send()
    assert receipt.provider_message_id
    assert receipt.status_code in (200, 201, 250)
    assert bench.arrived() == 1


async def test_preparing_alone_lets_nothing_leave_and_can_be_repeated(bench: Bench) -> None:
    destination = bench.arrange("takes")
    for _ in range(3):
        async with bench.channel.prepare(LETTER, destination):
            pass
    assert bench.arrived() == 0
    async with bench.channel.prepare(LETTER, destination) as handover:
        await handover.send()
    assert bench.arrived() == 1


async def test_a_refused_destination_is_permanent_and_is_not_quoted(bench: Bench) -> None:
    error = await attempt(bench, "refuses")
    assert isinstance(error, Permanent)
    assert "pausewire-ana" not in error.detail
    assert "nobody@" not in error.detail
    assert "1555" not in error.detail
    assert error.status_code is not None


async def test_a_request_for_later_is_transient(bench: Bench) -> None:
    error = await attempt(bench, "later")
    assert isinstance(error, Transient)
    assert not isinstance(error, ChannelUnavailable)


async def test_a_cut_after_the_bytes_left_leaves_the_outcome_unknown(bench: Bench) -> None:
    assert isinstance(await attempt(bench, "cut"), bench.without_answer)


async def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(bench: Bench) -> None:
    assert isinstance(await attempt(bench, "slow"), bench.without_answer)


@pytest.mark.parametrize("bench", HAVE_ACCOUNTS, indirect=True)
async def test_a_fault_of_our_account_is_the_providers_business(bench: Bench) -> None:
    assert isinstance(await attempt(bench, "account"), ProviderFault)


async def test_after_a_failure_the_next_letter_leaves_as_if_nothing_had_been(bench: Bench) -> None:
    for case in ("cut", "refuses", "later"):
        await attempt(bench, case)
    before = bench.arrived()
    async with bench.channel.prepare(LETTER, bench.arrange("takes")) as handover:
        await handover.send()
    assert bench.arrived() == before + 1


async def test_closing_twice_is_closing_once(bench: Bench) -> None:
    await bench.channel.close()
    await bench.channel.close()


def unreachable(kind: str) -> tuple[Channel, str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    channels: dict[str, tuple[Channel, str]] = {
        "email": (
            EmailChannel(
                SmtpServer(host="127.0.0.1", port=port, tls="none", timeout_seconds=1),
                sender="a@b.test",
                connections=1,
            ),
            "ana@example.test",
        ),
        "sms": (
            TwilioChannel(
                TwilioAccount(base_url=url, account_sid="AC1", auth_token="x", sender="+1555")
            ),
            "+15550100001",
        ),
        "push": (PushChannel(NtfyServer(url=url)), "ntfy:pausewire-ana"),
        "vonage": (
            VonageChannel(VonageAccount(base_url=url, api_key="k", api_secret="s", sender="P")),
            "+15550100001",
        ),
        "sns": (
            SnsChannel(
                SnsAccount(base_url=url, key=AwsKey("a", "b", "us-east-1", "sns"), sender="P")
            ),
            "+15550100001",
        ),
        "webhook": (
            WebhookChannel(LOOPBACK, timeout_seconds=1),
            destination_of(Receiver(url, (b"k" * 32,))),
        ),
        "web_push": (
            WebPushChannel(
                VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test"),
                LOOPBACK,
                timeout_seconds=1,
            ),
            subscription(url),
        ),
    }
    channels["second_email"] = (
        Several("email", (channels["email"][0], channels["email"][0])),
        "ana@example.test",
    )
    if kind in PUSH_BENCHES:
        return channel(PUSH_BENCHES[kind], url, 1), PUSH_BENCHES[kind].place
    return channels[kind]


@pytest.mark.parametrize("kind", sorted(BENCHES))
async def test_a_provider_that_cannot_be_reached_has_proven_nothing_left(kind: str) -> None:
    channel, destination = unreachable(kind)
    with pytest.raises(Deferred if kind in NAMED_BY_STRANGERS else ChannelUnavailable):
        async with channel.prepare(LETTER, destination) as handover:
            await handover.send()
    await channel.close()
