"""SMS and push beyond the suite: what is sent, and what each answer of the provider proves."""

import base64
import json
import ssl
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
import requests
from urllib3.exceptions import (
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from notifier.channels.apprise_transport import lost
from notifier.channels.push import NtfyServer, PushChannel
from notifier.channels.sms.twilio import TwilioAccount, TwilioChannel
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationRejected,
    OptedOut,
    OutcomeUnknown,
    Permanent,
    ProviderFault,
    RateLimited,
    SenderRefused,
)
from tests.fakes.channel_benches import LETTER
from tests.fakes.http_provider import HttpProvider, Scripted, http_provider


@pytest.fixture
def provider() -> Iterator[HttpProvider]:
    with http_provider() as running:
        yield running


PLANNED = LETTER.planned_at / 1_000_000  # its deadline is an hour later


def twilio(provider: HttpProvider, now: float = PLANNED) -> TwilioChannel:
    return TwilioChannel(
        TwilioAccount(
            base_url=provider.url,
            account_sid="AC1",
            auth_token="secret",
            sender="+15550100000",
            timeout_seconds=2,
            validity_seconds=900,
        ),
        clock=lambda: now,
    )


async def sms(provider: HttpProvider, answer: Scripted, now: float = PLANNED) -> str:
    provider.answer = answer
    channel = twilio(provider, now)
    try:
        async with channel.prepare(LETTER, "+15550100001") as handover:
            return (await handover.send()).provider_message_id
    finally:
        await channel.close()


async def push(provider: HttpProvider, answer: Scripted, token: str | None = "tk_1") -> str:
    provider.answer = answer
    channel = PushChannel(NtfyServer(url=provider.url, token=token, timeout_seconds=2))
    try:
        async with channel.prepare(LETTER, "ntfy:pausewire-ana") as handover:
            return (await handover.send()).provider_message_id
    finally:
        await channel.close()


async def test_twilio_is_asked_as_its_reference_says(provider: HttpProvider) -> None:
    sid = await sms(provider, Scripted(201, '{"sid": "SM9", "status": "queued"}'))
    (request,) = provider.requests
    assert sid == "SM9"
    assert request["path"] == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request["headers"]["Authorization"] == (
        "Basic " + base64.b64encode(b"AC1:secret").decode()
    )
    assert parse_qs(request["body"]) == {
        "To": ["+15550100001"],
        "From": ["+15550100000"],
        "Body": [LETTER.text],
        "ValidityPeriod": ["900"],
    }


@pytest.mark.parametrize(("left", "validity"), [(3000, "900"), (120, "120"), (-5, "1")])
async def test_twilio_drops_a_message_that_is_stale(
    provider: HttpProvider, left: float, validity: str
) -> None:
    now = LETTER.deadline_at / 1_000_000 - left
    await sms(provider, Scripted(201, '{"sid": "SM9", "status": "queued"}'), now)
    assert parse_qs(provider.requests[0]["body"])["ValidityPeriod"] == [validity]


async def test_twilio_is_told_where_to_call_back_about_this_delivery(
    provider: HttpProvider,
) -> None:
    channel = TwilioChannel(
        TwilioAccount(
            base_url=provider.url,
            account_sid="AC1",
            auth_token="secret",
            sender="+15550100000",
            status_callback="https://pay.example/callbacks?delivery=",
        )
    )
    provider.answer = Scripted(201, '{"sid": "SM9"}')
    async with channel.prepare(LETTER, "+15550100001") as handover:
        await handover.send()
    await channel.close()
    form = parse_qs(provider.requests[0]["body"])
    assert form["StatusCallback"] == [
        f"https://pay.example/callbacks?delivery={LETTER.delivery_id}"
    ]


def error_body(code: int) -> str:
    return json.dumps({"code": code, "message": "The number +15550100001 is at fault"})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Scripted(400, error_body(21211)), DestinationRejected),
        (Scripted(400, error_body(21610)), OptedOut),
        (Scripted(400, error_body(21606)), SenderRefused),
        (Scripted(400, error_body(21611)), RateLimited),
        (Scripted(400, error_body(99999)), Permanent),
        (Scripted(401, error_body(20003)), CredentialsRefused),
        (Scripted(402, "{}"), SenderRefused),
        (Scripted(404, error_body(20404)), ProviderFault),
        (Scripted(307, "{}", {"Location": "http://elsewhere.test/"}), ProviderFault),
        (Scripted(429, error_body(20429), {"Retry-After": "11"}), RateLimited),
        (Scripted(503, "{}", {"Retry-After": "11"}), Deferred),
        (Scripted(503, "{}"), OutcomeUnknown),
        (Scripted(500, error_body(21211)), OutcomeUnknown),
        (Scripted(201, "<html>not Twilio</html>"), OutcomeUnknown),
        (Scripted(200, "{}"), OutcomeUnknown),
    ],
)
async def test_twilio_answers_prove_what_they_prove(
    provider: HttpProvider, answer: Scripted, kind: type[DeliveryError]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        await sms(provider, answer)
    assert type(caught.value) is kind
    assert "+15550100001" not in caught.value.detail
    if "Retry-After" in answer.headers:
        assert caught.value.retry_after_seconds == 11


async def test_ntfy_is_asked_as_its_documentation_says(provider: HttpProvider) -> None:
    assert await push(provider, Scripted(200, '{"id": "n7"}')) == "n7"
    (request,) = provider.requests
    assert request["headers"]["Authorization"] == "Bearer tk_1"
    assert json.loads(request["body"]) == {
        "topic": "pausewire-ana",
        "title": LETTER.subject,
        "message": LETTER.text,
    }
    assert request["headers"]["X-Sequence-ID"] == LETTER.collapse_key


async def test_ntfy_without_a_token_sends_no_credentials(provider: HttpProvider) -> None:
    await push(provider, Scripted(200, '{"id": "n7"}'), token=None)
    assert "Authorization" not in provider.requests[0]["headers"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Scripted(429, '{"error": "slow down"}', {"Retry-After": "11"}), RateLimited),
        (Scripted(401, '{"error": "no"}'), CredentialsRefused),
        (Scripted(403, '{"error": "no"}'), SenderRefused),
        (Scripted(413, '{"error": "too large"}'), Permanent),
        (Scripted(302, "{}", {"Location": "http://elsewhere.test/"}), ProviderFault),
        (Scripted(500, "oops"), OutcomeUnknown),
        (Scripted(200, "<html>not ntfy</html>"), OutcomeUnknown),
    ],
)
async def test_ntfy_answers_prove_what_they_prove(
    provider: HttpProvider, answer: Scripted, kind: type[DeliveryError]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        await push(provider, answer)
    assert type(caught.value) is kind
    if answer.status == 429:
        assert caught.value.retry_after_seconds == 11


@pytest.mark.parametrize(
    "destination", ["ntfy:../admin", "ntfy:", "json://169.254.169.254/", "ntfy:a b", "mailto:x"]
)
async def test_only_an_ntfy_topic_is_a_push_destination(
    provider: HttpProvider, destination: str
) -> None:
    channel = PushChannel(NtfyServer(url=provider.url))
    with pytest.raises(DestinationRejected):
        async with channel.prepare(LETTER, destination):
            pass
    await channel.close()
    assert provider.requests == []


async def test_two_push_channels_do_not_read_each_others_answers(provider: HttpProvider) -> None:
    first = PushChannel(NtfyServer(url=provider.url))
    second = PushChannel(NtfyServer(url=provider.url))
    provider.answer = Scripted(200, '{"id": "n1"}')
    for channel in (first, second, first):
        async with channel.prepare(LETTER, "ntfy:pausewire-ana") as handover:
            assert (await handover.send()).provider_message_id == "n1"
    await first.close()
    await second.close()


async def test_ten_pushes_do_not_wait_for_apprises_throttle(provider: HttpProvider) -> None:
    provider.answer = Scripted(200, '{"id": "n1"}')
    channel = PushChannel(NtfyServer(url=provider.url))
    for _ in range(10):  # at 5.5 s each this would end by the test's own timeout
        async with channel.prepare(LETTER, "ntfy:pausewire-ana") as handover:
            await handover.send()
    await channel.close()
    assert len(provider.requests) == 10


async def test_pushes_share_one_connection(provider: HttpProvider) -> None:
    provider.answer = Scripted(200, '{"id": "n1"}')
    channel = PushChannel(NtfyServer(url=provider.url, threads=1))
    for _ in range(3):
        async with channel.prepare(LETTER, "ntfy:pausewire-ana") as handover:
            await handover.send()
    await channel.close()
    assert len({request["peer"] for request in provider.requests}) == 1


def wrapped(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/", reason))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (wrapped(NewConnectionError(None, "refused")), ChannelUnavailable),
        (wrapped(SSLError(ssl.SSLCertVerificationError("expired"))), ChannelUnavailable),
        (wrapped(SSLError(ssl.SSLError("broken record"))), OutcomeUnknown),
        (requests.ConnectionError(ConnectionResetError("while writing")), OutcomeUnknown),
        (wrapped(ReadTimeoutError(None, "/", "late")), OutcomeUnknown),
        (requests.ConnectionError(ProtocolError("aborted")), OutcomeUnknown),
        (requests.ReadTimeout(ReadTimeoutError(None, "/", "late")), OutcomeUnknown),
        (requests.RequestException(), OutcomeUnknown),
    ],
)
def test_only_a_failed_connect_proves_that_nothing_left(
    error: requests.RequestException, kind: type[DeliveryError]
) -> None:
    assert type(lost(error)) is kind
