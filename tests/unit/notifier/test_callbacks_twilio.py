"""Twilio's callbacks: whose they are, what makes them one, what they mean."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.callbacks.tidings import Destination, Request
from notifier.callbacks.twilio import TwilioCallbacks, read
from notifier.errors import CallbackUnreadable, KindUnknown, NotifierError, SignatureRefused
from tests.fakes.called_back import BASE, NOW, TOKEN, answered, status, twilio_request

TWILIO = TwilioCallbacks(TOKEN)
SENT = status("SM1", "sent")
# The worked example of Twilio's own libraries (twilio-python, tests/unit/test_request_validator.py).
EXAMPLE = Request(
    url="https://mycompany.com/myapp.php?foo=1&bar=2",
    body=b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212"
    b"&Caller=%2B14158675309",
    headers={"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
)


def test_twilios_own_example_is_proven() -> None:
    TwilioCallbacks("12345").verify(EXAMPLE, NOW)
    with pytest.raises(SignatureRefused):
        TwilioCallbacks("12346").verify(EXAMPLE, NOW)


@pytest.mark.parametrize("url", ["https://pay.example:443", "https://pay.example"])
def test_the_standard_port_may_be_named_or_not(url: str) -> None:
    request = twilio_request(SENT, base=url)
    TWILIO.verify(replace(request, url=request.url.replace(url, BASE)), NOW)
    TWILIO.verify(replace(request, url=request.url.replace(url, "https://pay.example:443")), NOW)


def test_an_odd_port_that_twilio_leaves_out_is_understood() -> None:
    request = twilio_request(SENT)
    TWILIO.verify(replace(request, url=request.url.replace(BASE, f"{BASE}:8443")), NOW)


@pytest.mark.parametrize(
    "forged",
    [
        replace(twilio_request(SENT), headers={}),
        replace(twilio_request(SENT), headers={"x-twilio-signature": "é"}),
        twilio_request(SENT, token="another"),
        replace(twilio_request(SENT), body=twilio_request(status("SM1", "delivered")).body),
        replace(twilio_request(SENT), url=f"{BASE}/v1/providers/twilio/callbacks?delivery=1"),
        replace(twilio_request(SENT), url="https://elsewhere.example/"),
        replace(twilio_request(SENT), body=b"\xff\xfe"),
        replace(twilio_request(SENT), body=b"&".join([b"a=1"] * 500)),
    ],
)
def test_what_twilio_did_not_sign_is_refused(forged: Request) -> None:
    with pytest.raises(SignatureRefused):
        TWILIO.verify(forged, NOW)


def test_a_status_of_a_message_is_one_event_and_names_the_delivery() -> None:
    delivery = uuid4()
    request = twilio_request(SENT, query=f"delivery={delivery}")
    (event,) = TWILIO.split(request)
    (again,) = TWILIO.split(request)
    (other,) = TWILIO.split(twilio_request(status("SM1", "delivered")))
    assert event == again
    assert (event.kind, event.message_id, event.delivery_id) == ("sent", "SM1", delivery)
    assert event.key != other.key
    assert other.delivery_id is None


def test_a_callback_about_no_message_cannot_be_read() -> None:
    with pytest.raises(CallbackUnreadable, match="MessageSid"):
        TWILIO.split(twilio_request({"CallSid": "CA1"}))


@pytest.mark.parametrize(
    ("word", "code", "state", "reason", "suppress"),
    [
        ("queued", "", "accepted", None, None),
        ("sent", "", "accepted", None, None),
        ("delivered", "", "delivered", None, None),
        ("undelivered", "30003", "bounced", "twilio_30003", None),
        ("undelivered", "30005", "bounced", "twilio_30005", "hard_bounce"),
        ("failed", "21610", "bounced", "twilio_21610", "stop"),
        ("failed", "", "bounced", "failed", None),
    ],
)
def test_what_a_status_means(
    word: str, code: str, state: str, reason: str | None, suppress: str | None
) -> None:
    told = read(twilio_request(status("SM1", word, ErrorCode=code)).body)
    assert (told.state, told.reason, told.suppress) == (state, reason, suppress)
    assert told.message_id == "SM1"
    assert told.destination == Destination("sms", "+15550100001")


def test_a_status_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(KindUnknown):
        read(twilio_request(status("SM1", "teleported")).body)


@pytest.mark.parametrize(
    ("fields", "suppress", "lift"),
    [
        (answered("STOP"), "stop", ()),
        (answered(" stop. "), "stop", ()),
        (answered("Halt", sid="SMx") | {"OptOutType": "STOP"}, "stop", ()),
        (answered("start"), None, ("stop",)),
        (answered("please stop by on Monday"), None, ()),
        (answered("HELP"), None, ()),
    ],
)
def test_what_a_person_answers(
    fields: dict[str, str], suppress: str | None, lift: tuple[str, ...]
) -> None:
    request = twilio_request(fields)
    (event,) = TWILIO.split(request)
    told = read(request.body)
    assert event.kind == "inbound"
    assert (told.state, told.suppress, told.lift) == (None, suppress, lift)
    assert told.destination == Destination("sms", "+15550100001")


@given(body=st.binary(max_size=300), url=st.text(max_size=60), signature=st.text(max_size=40))
def test_hostile_input_is_refused_and_nothing_worse(body: bytes, url: str, signature: str) -> None:
    headers = {"x-twilio-signature": signature}
    request = Request(url="https://pay.example/" + url, body=body, headers=headers)
    with pytest.raises(SignatureRefused):
        TWILIO.verify(request, NOW)
    for act in (lambda: TWILIO.split(request), lambda: read(body)):
        try:
            act()
        except NotifierError:
            continue
