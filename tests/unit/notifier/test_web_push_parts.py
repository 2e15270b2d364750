"""Web push by its letters: the example of RFC 8291, tokens, places, and who carries what."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier import circuit
from notifier.channels.push_encryption import encrypted
from notifier.channels.push_services import PushServices
from notifier.channels.vapid import TOKEN_SECONDS, VapidKey, VapidTokens
from notifier.deliver import Deliverer
from notifier.errors import ChannelUnavailable, DestinationRejected
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.push_places import endpoint_host, is_here, push_fault, service_of
from notifier.rendering import Renderer
from notifier.schema import provider_health
from simulator.catchers.web_push_keys import subscription_keys
from store.clock import now_micros
from store.engine import Database
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import attempt_rows, delivery_row, plan, vault

BROWSER = json.dumps(
    {"endpoint": "https://push.example/x", "expirationTime": None, "keys": subscription_keys("a")}
)


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def test_the_example_of_rfc_8291_comes_out_to_the_byte() -> None:
    own = ec.derive_private_key(
        int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    body = encrypted(
        b"When I grow up, I want to be a watermelon",
        raw(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        raw("BTBZMqHH6r4Tts7J_aSIgg"),
        own=own,
        salt=raw("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert base64.urlsafe_b64encode(body).rstrip(b"=").decode() == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_token_names_the_service_and_is_signed_anew_before_it_ends() -> None:
    now = [1_790_000_000.0]
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
    tokens = VapidTokens(key, lambda: now[0])
    first = tokens.header("https://push.example:8443/send/abc?x=1")
    assert first == tokens.header("https://push.example:8443/another")
    token, _, public = first.removeprefix("vapid t=").partition(", k=")
    point = key.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert raw(public) == point
    said = jwt.decode(
        token,
        key.private.public_key(),
        algorithms=["ES256"],
        audience="https://push.example:8443",
        options={"verify_exp": False},
    )
    assert said["exp"] == now[0] + TOKEN_SECONDS
    assert said["sub"] == "mailto:ops@example.test"
    assert tokens.header("https://other.example/") != first
    now[0] += TOKEN_SECONDS - 1800
    assert tokens.header("https://push.example:8443/x") != first


def test_tokens_are_kept_for_a_bounded_number_of_services() -> None:
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
    tokens = VapidTokens(key)
    for n in range(1100):
        tokens.header(f"https://push{n}.example/")
    assert len(tokens._kept) == 1000


@pytest.mark.parametrize(
    ("place", "service"),
    [("ntfy:ana", "ntfy"), (BROWSER, "web-push"), (" " + BROWSER, "web-push"), ("mailto:x", None)],
)
def test_a_place_shows_whose_it_is(place: str, service: str | None) -> None:
    assert service_of(place) == service


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"endpoint": "http://127.0.0.1:8101/web-push/a"}, None),
        ({"endpoint": "http://push.example/a"}, "https://"),
        ({"keys": subscription_keys("a") | {"auth": "AAAA"}}, "auth"),
        ({"keys": subscription_keys("a") | {"p256dh": "B" * 87}}, "p256dh"),
        ({"keys": subscription_keys("a") | {"p256dh": "!" * 87}}, "p256dh"),
    ],
)
def test_a_subscription_is_checked_when_it_is_given(change: dict, fault: str | None) -> None:
    found = push_fault(json.dumps(json.loads(BROWSER) | change))
    assert (found is None) if fault is None else (fault in (found or ""))


def test_a_browsers_place_is_here_only_where_its_service_is() -> None:
    here = BROWSER.replace("https://push.example", "http://localhost:8101")
    assert (is_here(here), is_here(BROWSER), is_here("ntfy:ana")) == (True, False, False)
    assert endpoint_host(BROWSER) == "push.example"


async def test_a_sick_service_holds_up_no_other_and_costs_no_attempt(
    sqlite_database: Database,
) -> None:
    ntfy, browser = FakeChannel(provider="ntfy"), FakeChannel(provider="web-push")
    deliverer = Deliverer(
        moves=GroupCommit(sqlite_database),
        letters=Letters(vault(), Renderer(), guests=EVERYBODY),
        channels={"push": PushServices({"ntfy": ntfy, "web-push": browser})},
        lease_seconds=120,
        worker="w1",
    )
    queued = {"state": "queued", "generation": 1}
    with sqlite_database.begin() as conn:
        for _ in range(5):
            circuit.note_fault(conn, "ntfy", ChannelUnavailable("away"), now_micros())
        held = plan(conn, "push", **queued)
        sent = plan(conn, "push", destination=BROWSER, **queued)
        nobodys = plan(conn, "push", destination="pager:1", **queued)
    for planned in (held, sent, nobodys):
        await deliverer.deliver(planned, 1)
    with sqlite_database.read() as conn:
        rows = [delivery_row(conn, planned) for planned in (held, sent, nobodys)]
        assert attempt_rows(conn, held) == []
        until = conn.scalar(
            provider_health.select().with_only_columns(provider_health.c.next_try_at)
        )
    assert [row.state for row in rows] == ["pending", "accepted", "failed"]
    assert (rows[0].reason, rows[0].available_at) == ("circuit_open", until)
    assert (rows[1].provider, rows[2].provider) == ("web-push", "push")
    assert (len(ntfy.sent), len(browser.sent)) == (0, 1)
    # its time is over: one finds out, the next one waits for it
    with sqlite_database.begin() as conn:
        conn.execute(provider_health.update().values(next_try_at=0))
        again = [plan(conn, "push", **queued) for _ in range(2)]
    ntfy.failing = ChannelUnavailable("still away")
    for planned in again:
        await deliverer.deliver(planned, 1)
    with sqlite_database.read() as conn:
        assert [delivery_row(conn, each).state for each in again] == ["retry_wait", "pending"]
    await deliverer.close()
    assert ntfy.closed
    assert browser.closed


async def test_a_place_that_no_service_takes_is_refused() -> None:
    services = PushServices({"ntfy": FakeChannel(provider="ntfy")})
    with pytest.raises(DestinationRejected):
        services.carrier(BROWSER)
