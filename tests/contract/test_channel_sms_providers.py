"""Vonage and Amazon SNS beyond the suite: what they are asked, and what their answers hide."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from aiohttp import ClientSession, web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

from notifier.channels.sms.aws_signing import AwsKey, signed_headers
from notifier.channels.sms.posting import Posted
from notifier.channels.sms.sns import SnsAccount, SnsChannel
from notifier.channels.sms.sns import read_answer as read_sns
from notifier.channels.sms.vonage import STATUSES, VonageAccount, VonageChannel
from notifier.channels.sms.vonage import read_answer as read_vonage
from notifier.errors import (
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationRejected,
    OptedOut,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    SenderRefused,
)
from simulator.catchers.caught import Caught
from simulator.catchers.sns import SNS_PATH, add_sns
from simulator.catchers.vonage import add_vonage
from tests.fakes.channel_benches import LETTER
from tests.fakes.http_provider import Scripted, http_provider

NUMBER = "+15550100001"
KEY = AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-west-1", "sns")


PLANNED = LETTER.planned_at / 1_000_000  # its deadline is an hour later


def vonage(url: str, now: float = PLANNED, **changes) -> VonageChannel:
    given = {"api_key": "k1", "api_secret": "s1", "sender": "+15550100000"} | changes
    return VonageChannel(VonageAccount(base_url=url, **given), clock=lambda: now)


def sns(url: str, key: AwsKey = KEY, sender: str = "PAUSE") -> SnsChannel:
    return SnsChannel(SnsAccount(base_url=url, key=key, sender=sender))


async def sent(channel, number: str = NUMBER):
    try:
        async with channel.prepare(LETTER, number) as handover:
            return await handover.send()
    finally:
        await channel.close()


async def test_vonage_is_asked_as_its_reference_says() -> None:
    with http_provider() as provider:
        provider.answer = Scripted(200, '{"messages": [{"status": "0", "message-id": "0A"}]}')
        receipt = await sent(vonage(provider.url, validity_seconds=900))
    (request,) = provider.requests
    assert receipt.provider_message_id == "0A"
    assert request["path"] == "/sms/json"
    assert {name: value for name, (value,) in parse_qs(request["body"]).items()} == {
        "api_key": "k1",
        "api_secret": "s1",
        "from": "15550100000",
        "to": "15550100001",
        "text": LETTER.text,
        "type": "text",
        "ttl": "900000",
        "client-ref": str(LETTER.delivery_id),
    }


@pytest.mark.parametrize(("left", "validity"), [(3000, 900), (120, 120), (-5, 20)])
async def test_vonage_drops_a_message_that_is_stale(left: float, validity: int) -> None:
    with http_provider() as provider:
        provider.answer = Scripted(200, '{"messages": [{"status": "0", "message-id": "0A"}]}')
        now = LETTER.deadline_at / 1_000_000 - left
        await sent(vonage(provider.url, now, validity_seconds=900))
    assert parse_qs(provider.requests[0]["body"])["ttl"] == [str(validity * 1000)]


def parts(*statuses: str) -> Posted:
    made = [
        {"status": status, "error-text": f"no {NUMBER[1:]}"}
        | ({"message-id": f"0A{n}"} if status == "0" else {})
        for n, status in enumerate(statuses)
    ]
    return Posted(200, {}, json.dumps({"messages": made}).encode())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (parts("1"), RateLimited),
        (parts("3"), Permanent),
        (parts("4"), CredentialsRefused),
        (parts("7"), DestinationRejected),
        (parts("9"), SenderRefused),
        (parts("5"), OutcomeUnknown),
        (parts("99"), OutcomeUnknown),
        (parts("0", "9"), OutcomeUnknown),  # the first part is on its way
        (parts("9", "9"), SenderRefused),
        (  # taken, though it is not named: not sent again for the part that was not
            Posted(200, {}, b'{"messages": [{"status": "0"}, {"status": "1"}]}'),
            OutcomeUnknown,
        ),
        (Posted(200, {}, b'{"messages": []}'), OutcomeUnknown),
        (Posted(200, {}, b'{"messages": [{"status": "0"}]}'), OutcomeUnknown),  # no id
        (Posted(200, {}, b"<html>not Vonage</html>"), OutcomeUnknown),
        (Posted(200, {}, b"\xff\xfe"), OutcomeUnknown),
        (Posted(500, {}, b"oops"), OutcomeUnknown),
        (Posted(503, {"Retry-After": "7"}, b""), Deferred),
        (Posted(429, {"Retry-After": "7"}, b""), RateLimited),
        (Posted(401, {}, b""), CredentialsRefused),
    ],
)
def test_vonage_answers_prove_what_they_prove(answer: Posted, kind: type[DeliveryError]) -> None:
    with pytest.raises(DeliveryError) as caught:
        read_vonage(answer, destination=NUMBER)
    assert type(caught.value) is kind
    assert NUMBER[1:] not in caught.value.detail


def test_every_part_has_to_be_taken() -> None:
    receipt = read_vonage(parts("0", "0", "0"), destination=NUMBER)
    assert (receipt.provider_message_id, receipt.detail) == ("0A0", "3 parts")
    assert "5" not in STATUSES  # an error within Vonage says nothing of where the message is


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://sns.eu-west-1.amazonaws.com/", b"Action=Publish&Message=a%20b"),
        ("http://127.0.0.1:8101/sns/", "Message=ü".encode()),
    ],
)
def test_a_request_is_signed_as_amazons_own_library_signs_it(url: str, body: bytes) -> None:
    ours = signed_headers(KEY, url, body, 1_790_000_000)
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": ours["Content-Type"]})
    signer = SigV4Auth(Credentials(KEY.access_key, KEY.secret), KEY.service, KEY.region)
    request.context["timestamp"] = ours["X-Amz-Date"]
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["Authorization"].endswith(f"Signature={signature}")


@pytest.fixture
def amazon() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_a_server_that_speaks_amazons_protocol_takes_it(amazon: str) -> None:
    receipt = await sent(sns(amazon))
    assert len(receipt.provider_message_id) == 36
    with pytest.raises(DestinationRejected):
        await sent(sns(amazon), "not a number")


def failed(status: int, code: str, words: str = "") -> Posted:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{words}</Message></Error>"
    return Posted(status, {}, body.encode())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failed(400, "Throttling"), RateLimited),
        (failed(403, "SignatureDoesNotMatch"), CredentialsRefused),
        (failed(403, "AuthorizationError"), SenderRefused),
        (failed(400, "OptedOut", f"{NUMBER} opted out"), OptedOut),
        (failed(400, "InvalidParameter", NUMBER), DestinationRejected),
        (failed(400, "SomethingNew"), Permanent),
        (failed(500, "InternalError"), OutcomeUnknown),
        (failed(503, "ServiceUnavailable"), OutcomeUnknown),
        (Posted(200, {}, b"<html>not Amazon</html>"), OutcomeUnknown),
        (Posted(200, {}, b""), OutcomeUnknown),
    ],
)
def test_amazons_answers_prove_what_they_prove(answer: Posted, kind: type[DeliveryError]) -> None:
    with pytest.raises(DeliveryError) as caught:
        read_sns(answer, destination=NUMBER)
    assert type(caught.value) is kind
    assert NUMBER[1:] not in caught.value.detail


@pytest.mark.parametrize(
    ("sender", "name"),
    [("PAUSE", "AWS.SNS.SMS.SenderID"), ("+15550100000", "AWS.MM.SMS.OriginationNumber")],
)
async def test_a_sender_is_a_name_or_a_number(sender: str, name: str) -> None:
    with http_provider() as provider:
        provider.answer = Scripted(200, "<MessageId>m-1</MessageId>")
        await sent(sns(provider.url, sender=sender))
    form = parse_qs(provider.requests[0]["body"])
    assert form["MessageAttributes.entry.2.Name"] == [name]
    assert form["MessageAttributes.entry.2.Value.StringValue"] == [sender]


@pytest.fixture
async def catchers(tmp_path):
    records = {name: Caught(tmp_path / f"{name}.ndjson") for name in ("vonage", "sns")}
    application = web.Application()
    add_vonage(application, records["vonage"])
    add_sns(application, records["sns"])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", records
    await runner.cleanup()
    for record in records.values():
        record.close()


async def test_the_catchers_answer_our_adapters_like_the_providers(catchers) -> None:
    url, records = catchers
    amazons = url + SNS_PATH.rstrip("/")
    for name, channel in (("vonage", vonage(url)), ("sns", sns(amazons))):
        receipt = await sent(channel)
        (caught,) = records[name].newest_first()
        assert (caught["id"], caught["to"]) == (receipt.provider_message_id, NUMBER)
    cases = (("+15005550004", DestinationRejected), ("+15005550429", RateLimited))
    for number, kind in cases:
        for channel in (vonage(url), sns(amazons)):
            with pytest.raises(kind):
                await sent(channel, number)
    for channel in (vonage(url), sns(amazons)):
        with pytest.raises(OutcomeUnknown):
            await sent(channel, "+15005550020")
    wrong = AwsKey("wrong", "x", "us-east-1", "sns")
    for channel in (vonage(url, api_secret="wrong"), sns(amazons, key=wrong)):
        with pytest.raises(CredentialsRefused):
            await sent(channel)
    async with ClientSession() as session, session.post(f"{amazons}/", data={}) as answer:
        assert answer.status == 403
