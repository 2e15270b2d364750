"""The catchers behave as real providers do, and record before they say yes."""

import asyncio
import json
import smtplib
import time
from base64 import b64encode
from email.message import EmailMessage

import aiohttp
import pytest
from aiohttp import web

from simulator.catchers import mail, push, sms
from simulator.catchers.sms_message import (
    CUT_NUMBER,
    FINAL_AFTER_SECONDS,
    SLOW_NUMBER,
    UNDELIVERED_NUMBER,
    twilio_signature,
)
from simulator.network import running
from simulator.options import SimulatorOptions

AUTH = {"Authorization": "Basic " + b64encode(b"AC123:token").decode()}
MESSAGES = "/2010-04-01/Accounts/AC123/Messages"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("network"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        ledger_seconds=60,
        scenario="quiet",
    )
    with running(options) as started:
        yield started


@pytest.fixture
async def session(network):
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(network.web_url, timeout=timeout) as client:
        yield client


def caught(network, channel):
    text = (network.options.state_dir / f"{channel}.ndjson").read_text()
    return [json.loads(line) for line in text.splitlines()]


def letter(to, message_id="<1@pausewire.test>"):
    message = EmailMessage()
    message["From"] = "Pausewire <alerts@pausewire.test>"
    message["To"] = to
    message["Subject"] = "Grüße <script>"
    message["Message-ID"] = message_id
    message.set_content("paused")
    message.add_alternative("<p>paused</p>", subtype="html")
    return message


def send(network, to, message_id="<1@pausewire.test>"):
    """Hand one mail over."""
    with smtplib.SMTP("127.0.0.1", network.smtp_port, timeout=10) as client:
        client.send_message(letter(to, message_id))


def mails_to(network, to):
    return [message for message in caught(network, "mail") if message["to"] == to]


def test_a_mail_is_recorded_whole(network):
    send(network, "ana.1@example.test")
    (message,) = mails_to(network, "ana.1@example.test")
    assert message["from"] == "alerts@pausewire.test"
    assert message["subject"] == "Grüße <script>"
    assert message["message_id"] == "<1@pausewire.test>"
    assert message["headers"]["From"] == "Pausewire <alerts@pausewire.test>"
    assert (message["text"].strip(), message["html"].strip()) == ("paused", "<p>paused</p>")


async def test_a_mail_is_shown_as_a_mailbox_shows_it_and_runs_nothing(network, session):
    send(network, "html.1@example.test")
    (message,) = mails_to(network, "html.1@example.test")
    async with session.get(f"/mail/{message['received_at']}") as answer:
        assert (await answer.text()).strip() == "<p>paused</p>"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    async with session.get("/mail/never") as answer:
        assert answer.status == 404


def test_a_rejected_recipient_gets_550_at_rcpt(network):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(network, "reject.ana@example.test")
    assert refusal.value.recipients["reject.ana@example.test"][0] == 550
    assert mails_to(network, "reject.ana@example.test") == []


def test_a_greylisted_recipient_is_put_off_once(network):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(network, "greylist.ana@example.test")
    assert refusal.value.recipients["greylist.ana@example.test"][0] == 451
    send(network, "greylist.ana@example.test")
    assert len(mails_to(network, "greylist.ana@example.test")) == 1


def test_a_mail_may_be_refused_after_data(network):
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        send(network, "data-fail.ana@example.test")
    assert refusal.value.smtp_code == 554
    assert mails_to(network, "data-fail.ana@example.test") == []


def test_a_connection_may_be_cut_after_the_mail_was_taken(network):
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(network, "cut.ana@example.test")
    assert len(mails_to(network, "cut.ana@example.test")) == 1


def test_a_slow_mailbox_answers_late(network, monkeypatch):
    monkeypatch.setattr(mail, "SLOW_SECONDS", 0.3)
    began = time.monotonic()
    send(network, "slow.ana@example.test")
    assert time.monotonic() - began >= 0.3
    assert len(mails_to(network, "slow.ana@example.test")) == 1


def test_a_mail_without_html_has_none(network):
    message = EmailMessage()
    message["To"] = "plain@example.test"
    message.set_content("just text")
    with smtplib.SMTP("127.0.0.1", network.smtp_port, timeout=10) as client:
        client.send_message(message, "a@example.test", ["plain@example.test"])
    (recorded,) = mails_to(network, "plain@example.test")
    assert (recorded["html"], recorded["message_id"]) == ("", "")


async def text_message(session, to, headers=None, **form):
    fields = {"To": to, "From": "+15550000000", "Body": "paused", **form}
    url = MESSAGES + ".json"
    async with session.post(url, data=fields, headers={**AUTH, **(headers or {})}) as response:
        return response.status, dict(response.headers), await response.json()


async def test_a_text_is_queued_then_delivered(session, network):
    status, _, message = await text_message(session, "+15550100001")
    assert (status, message["status"], message["to"]) == (201, "queued", "+15550100001")
    assert caught(network, "sms")[-1]["sid"] == message["sid"]
    await asyncio.sleep(FINAL_AFTER_SECONDS + 0.05)
    async with session.get(f"{MESSAGES}/{message['sid']}.json", headers=AUTH) as response:
        assert (await response.json())["status"] == "delivered"
    async with session.get(f"{MESSAGES}.json?To=%2B15550100001", headers=AUTH) as response:
        assert [each["sid"] for each in (await response.json())["messages"]] == [message["sid"]]


@pytest.mark.parametrize(
    ("to", "status", "code", "retry_after"),
    [
        ("+15005550001", 400, 21211, None),
        ("nonsense", 400, 21211, None),
        ("", 400, 21604, None),
        ("+15005550004", 400, 21610, None),
        ("+15005550009", 400, 21614, None),
        ("+15005550429", 429, 20429, "1"),
        ("+15005550503", 503, 20503, "1"),
    ],
)
async def test_numbers_that_refuse(session, network, to, status, code, retry_after):
    before = len(caught(network, "sms"))
    got, headers, error = await text_message(session, to)
    assert (got, error["code"], headers.get("Retry-After")) == (status, code, retry_after)
    assert error["status"] == status
    assert len(caught(network, "sms")) == before


async def test_a_text_needs_a_body_a_sender_and_credentials(session):
    assert (await text_message(session, "+15550100001", Body=""))[2]["code"] == 21602
    assert (await text_message(session, "+15550100001", From=""))[2]["code"] == 21603
    for url in (f"{MESSAGES}.json", f"{MESSAGES}/SM1.json"):
        async with session.get(url) as response:
            assert response.status == 401
    async with session.post(f"{MESSAGES}.json") as response:
        assert (response.status, (await response.json())["code"]) == (401, 20003)
    for wrong in ("Basic !", "Basic QQ==", "Bearer token"):
        async with session.get(f"{MESSAGES}.json", headers={"Authorization": wrong}) as response:
            assert response.status == 401
    async with session.get(f"{MESSAGES}/SM1.json", headers=AUTH) as response:
        assert (response.status, (await response.json())["code"]) == (404, 20404)


async def test_a_key_sends_once(session, network):
    headers = {"Idempotency-Key": "delivery-1"}
    first = await text_message(session, "+15550100002", headers)
    again = await text_message(session, "+15550100002", headers)
    assert first[2]["sid"] == again[2]["sid"]
    recorded = [each for each in caught(network, "sms") if each["to"] == "+15550100002"]
    assert [each["idempotency_key"] for each in recorded] == ["delivery-1"]


async def test_a_cut_text_is_recorded_though_nobody_hears_so(session, network):
    with pytest.raises(aiohttp.ClientError):
        await text_message(session, CUT_NUMBER)
    assert caught(network, "sms")[-1]["to"] == CUT_NUMBER


async def test_slow_providers_answer_late(session, monkeypatch):
    monkeypatch.setattr(sms, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(push, "SLOW_SECONDS", 0.2)
    began = time.monotonic()
    assert (await text_message(session, SLOW_NUMBER))[0] == 201
    async with session.post("/slow-topic", data=b"x") as response:
        assert response.status == 200
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(
    ("to", "final", "error_code"),
    [("+15550100003", "delivered", None), (UNDELIVERED_NUMBER, "undelivered", "30003")],
)
async def test_statuses_are_called_back_in_order_and_signed(session, to, final, error_code):
    arrived = asyncio.Queue()

    async def callback(request):
        form = {name: str(value) for name, value in (await request.post()).items()}
        arrived.put_nowait((request.headers["X-Twilio-Signature"], form))
        return web.Response(status=204)

    application = web.Application()
    application.router.add_post("/callbacks", callback)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks?delivery=5"
    _, _, message = await text_message(session, to, StatusCallback=url)
    async with asyncio.timeout(5):
        posted = [await arrived.get() for _ in range(3)]
    await runner.cleanup()
    assert [form["MessageStatus"] for _, form in posted] == ["queued", "sent", final]
    assert posted[-1][1].get("ErrorCode") == error_code
    for signature, form in posted:
        assert form["MessageSid"] == message["sid"]
        assert signature == twilio_signature("token", url, form)


def test_the_signature_is_twilios_own_example():
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signature("12345", url, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


async def test_a_callback_nobody_takes_is_dropped(session):
    status, _, _ = await text_message(
        session, "+15550100004", StatusCallback="http://127.0.0.1:9/callbacks"
    )
    assert status == 201


async def test_a_push_is_published_by_headers_or_by_json(session, network):
    headers = {"Title": "Paused", "Priority": "high", "X-Tags": "pause,warning"}
    async with session.post("/pausewire-a", data=b"stream 7", headers=headers) as response:
        first = await response.json()
    assert (
        first.items()
        >= {
            "event": "message",
            "topic": "pausewire-a",
            "title": "Paused",
            "message": "stream 7",
            "priority": 4,
            "tags": ["pause", "warning"],
        }.items()
    )
    body = {"topic": "pausewire-b", "message": "m", "title": "t", "priority": 5}
    async with session.post("/", json=body) as response:
        second = await response.json()
    assert (second["topic"], second["priority"]) == ("pausewire-b", 5)
    async with session.put("/pausewire-c", data=b"plain") as response:
        assert "priority" not in await response.json()
    recorded = caught(network, "push")[-3:]
    assert [each["topic"] for each in recorded] == ["pausewire-a", "pausewire-b", "pausewire-c"]
    assert recorded[0]["id"] == first["id"]
    assert recorded[0]["headers"]["Title"] == "Paused"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/fail429-a", b"x", 429, 42901),
        ("/fail500-a", b"x", 500, 50001),
        ("/no%20topic", b"x", 400, 40009),
        ("/", b"not json", 400, 40024),
        ("/", b"[]", 400, 40024),
        ("/", b"{}", 400, 40024),
        ("/", b'{"topic":"a","priority":"often"}', 400, 40007),
    ],
)
async def test_pushes_that_are_refused(session, network, path, body, status, code):
    before = len(caught(network, "push"))
    async with session.post(path, data=body) as response:
        assert (response.status, (await response.json())["code"]) == (status, code)
        assert (response.headers.get("Retry-After") is not None) == (status == 429)
    assert len(caught(network, "push")) == before


async def test_a_cut_push_is_recorded(session, network):
    with pytest.raises(aiohttp.ClientError):
        await session.post("/cut-a", data=b"x")
    assert caught(network, "push")[-1]["topic"] == "cut-a"


async def test_the_page_shows_everything_and_escapes_it(session, network):
    send(network, "page@example.test", "<page@pausewire.test>")
    async with session.get("/") as response:
        page = await response.text()
    assert "page@example.test" in page
    assert "Grüße &lt;script&gt;" in page
    assert "<script>" not in page


async def test_the_same_as_json_by_channel_newest_first(session, network):
    send(network, "json@example.test")
    await text_message(session, "+15550100009")
    async with session.get("/messages.json") as response:
        everything = await response.json()
    assert [each["channel"] for each in everything[:2]] == ["sms", "mail"]
    async with session.get("/messages.json?channel=mail") as response:
        mails = await response.json()
    assert {each["channel"] for each in mails} == {"mail"}
    assert mails[0]["to"] == "json@example.test"
    async with session.get("/messages.json?channel=pigeon") as response:
        assert response.status == 404


async def test_caught_texts_are_still_known_after_a_restart(tmp_path):
    options = SimulatorOptions(
        state_dir=tmp_path, rpc_port=0, web_port=0, smtp_port=0, ledger_seconds=60, scenario="quiet"
    )
    headers = {"Idempotency-Key": "k"}
    sids = []
    for _ in range(2):
        with running(options) as network:
            async with aiohttp.ClientSession(network.web_url) as client:
                sids.append((await text_message(client, "+15550100001", headers))[2]["sid"])
                async with client.get(f"{MESSAGES}/{sids[0]}.json", headers=AUTH) as response:
                    assert response.status == 200
    assert sids[0] == sids[1]
