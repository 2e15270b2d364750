"""Push services beyond the suite: what each is asked, what its answers hide, and the catchers' own."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from notifier.channels import device_services, fcm, room_services
from notifier.channels.apprise_channel import AppriseChannel, AppriseService
from notifier.channels.apprise_transport import Transport
from notifier.channels.google_token import GoogleTokens
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationGone,
    DestinationRejected,
    OptedOut,
    OutcomeUnknown,
    Permanent,
    RateLimited,
)
from notifier.push_places import push_fault, service_of
from simulator.catchers import device_apis, room_apis
from simulator.catchers.caught import Caught
from simulator.catchers.push_apis import add_push_apis
from tests.fakes.catching import catching
from tests.fakes.channel_benches import LETTER
from tests.fakes.http_provider import Scripted, http_provider
from tests.fakes.lies import DEEP
from tests.fakes.mail_server import free_port
from tests.fakes.push_benches import PUSH_BENCHES, channel, service_account

DISCORD_TOKEN = "x" * 60
SERVICES = {
    "fcm": "fcm:{}" + "x" * 30,
    "pushover": "pushover:{:x<30}",
    "gotify": "gotify:{}xxxxxxxxx",
    "slack": "slack:T1/B1/{}xxxxxxxxxxxxxxxx",
    "discord": "discord:123456789012345678/{}" + DISCORD_TOKEN,
}
CHATS = {"": "-100123", "Gone": "-100404", "Later": "-100429", "Fail": "-100500", "Cut": "-100020"}


def place_of(name: str, trouble: str = "") -> str:
    return f"telegram:{CHATS[trouble]}" if name == "telegram" else SERVICES[name].format(trouble)


def add_all(application: web.Application, caught: Caught) -> None:
    devices = (device_apis.FCM, device_apis.PUSHOVER, device_apis.GOTIFY)
    rooms = (room_apis.SLACK, room_apis.DISCORD, room_apis.TELEGRAM)
    add_push_apis(application, caught, *devices, *rooms)
    application.router.add_post("/fcm/token", device_apis.google_token)


def service_at(url: str, name: str) -> AppriseService:
    place = f"{url}/{name}"
    if name == "fcm":
        tokens = GoogleTokens(service_account(), url=f"{place}/token", timeout_seconds=2)
        return fcm.fcm("caught", tokens, place=place)
    return {
        "pushover": partial(device_services.pushover, "a" * 30, place=place),
        "gotify": partial(device_services.gotify, place),
        "slack": partial(room_services.slack, place=place),
        "discord": partial(room_services.discord, place=place),
        "telegram": partial(room_services.telegram, "123456789:" + "A" * 35, place=place),
    }[name]()


@pytest.fixture
async def catchers(tmp_path: Path) -> AsyncIterator[tuple[str, Caught]]:
    async with catching(add_all, tmp_path / "push_apis.ndjson") as running:
        yield running


async def sent(service: AppriseService, place: str) -> str:
    push = AppriseChannel(service, timeout_seconds=2)
    try:
        async with push.prepare(LETTER, place) as handover:
            return (await handover.send()).provider_message_id
    finally:
        await push.close()


@pytest.mark.parametrize("name", sorted(PUSH_BENCHES))
async def test_the_catcher_takes_what_the_service_would(
    catchers: tuple[str, Caught], name: str
) -> None:
    url, caught = catchers
    assert push_fault(place_of(name)) is None
    assert service_of(place_of(name)) == name
    assert await sent(service_at(url, name), place_of(name))
    (message,) = caught.newest_first()
    assert (message["service"], message["title"], message["message"]) == (
        name,
        LETTER.subject,
        LETTER.text,
    )


TROUBLES: list[tuple[str, str, type[DeliveryError]]] = [
    ("fcm", "Gone", DestinationGone),
    ("pushover", "Gone", DestinationRejected),
    ("gotify", "Gone", DestinationRejected),
    ("slack", "Gone", DestinationGone),
    ("discord", "Gone", DestinationGone),
    ("telegram", "Gone", DestinationRejected),
    *((name, "Later", RateLimited) for name in sorted(PUSH_BENCHES)),
    *((name, "Fail", OutcomeUnknown) for name in sorted(PUSH_BENCHES)),
    *((name, "Cut", OutcomeUnknown) for name in sorted(PUSH_BENCHES)),
]


@pytest.mark.parametrize(("name", "trouble", "kind"), TROUBLES)
async def test_the_catcher_refuses_as_the_service_does(
    catchers: tuple[str, Caught], name: str, trouble: str, kind: type[DeliveryError]
) -> None:
    with pytest.raises(DeliveryError) as found:
        await sent(service_at(catchers[0], name), place_of(name, trouble))
    assert type(found.value) is kind
    if kind is RateLimited:
        assert found.value.retry_after_seconds == 1


async def test_a_telephone_collapses_by_stream_and_drops_what_is_late(
    catchers: tuple[str, Caught],
) -> None:
    url, caught = catchers
    await sent(service_at(url, "fcm"), place_of("fcm"))
    await sent(service_at(url, "pushover"), place_of("pushover"))
    pushover, firebase = caught.newest_first()
    assert (firebase["collapse_key"], firebase["ttl"]) == (LETTER.collapse_key, "3600s")
    assert pushover["ttl"] == "3600"


async def test_nobody_is_called_by_what_stands_in_a_text(catchers: tuple[str, Caught]) -> None:
    url, caught = catchers
    letter = replace(LETTER, text="<!channel> @everyone <b>bold</b> &amp;")
    for name in ("slack", "discord", "telegram"):
        push = AppriseChannel(service_at(url, name), timeout_seconds=2)
        async with push.prepare(letter, place_of(name)) as handover:
            await handover.send()
        await push.close()
    telegram, discord, slack = caught.newest_first()
    assert slack["message"] == discord["message"] == telegram["message"] == letter.text
    assert discord["allowed_mentions"] == {"parse": []}
    assert telegram["parse_mode"] is None


LIES: list[tuple[str, Scripted, type[DeliveryError]]] = [
    ("pushover", Scripted(200, '{"status": 0, "errors": ["no"]}'), Permanent),
    ("pushover", Scripted(200, "<html>"), OutcomeUnknown),
    ("pushover", Scripted(200, '{"status": 1}'), OutcomeUnknown),
    ("slack", Scripted(200, "<html>"), OutcomeUnknown),
    ("discord", Scripted(200, "<html>"), OutcomeUnknown),
    ("telegram", Scripted(200, '{"ok": false, "error_code": 403}'), OptedOut),
    ("telegram", Scripted(200, "<html>"), OutcomeUnknown),
    ("telegram", Scripted(403, '{"ok": false, "description": "bot was kicked"}'), OptedOut),
    ("gotify", Scripted(200, "<html>"), OutcomeUnknown),
    ("fcm", Scripted(200, "<html>"), OutcomeUnknown),
    ("fcm", Scripted(400, '{"error": {"status": "INVALID_ARGUMENT"}}'), DestinationRejected),
    ("fcm", Scripted(500, '{"error": {"status": "INTERNAL"}}'), OutcomeUnknown),
    ("fcm", Scripted(503, '{"error": {"status": "UNAVAILABLE"}}'), Deferred),
    ("discord", Scripted(302, "", {"Location": "http://elsewhere.test/"}), DeliveryError),
]


@pytest.mark.parametrize(("name", "answer", "kind"), LIES)
async def test_an_answer_is_read_not_believed(
    name: str, answer: Scripted, kind: type[DeliveryError]
) -> None:
    bench = PUSH_BENCHES[name]
    with http_provider() as provider:
        provider.answer = answer
        push = channel(bench, provider.url, 2)
        with pytest.raises(kind):
            async with push.prepare(LETTER, bench.place) as handover:
                await handover.send()
        await push.close()
        assert len(provider.requests) == 1


async def test_discord_is_asked_once_though_it_says_too_many() -> None:
    bench = PUSH_BENCHES["discord"]
    with http_provider() as provider:
        provider.answer = Scripted(
            429, "{}", {"Retry-After": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}
        )
        push = channel(bench, provider.url, 2)
        with pytest.raises(RateLimited):
            async with push.prepare(LETTER, bench.place) as handover:
                await handover.send()
        await push.close()
        assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Scripted(400, '{"error": "invalid_grant"}'), CredentialsRefused),
        (Scripted(500, '{"error": "internal"}'), ChannelUnavailable),
        (Scripted(200, "<html>"), ChannelUnavailable),
        (Scripted(200, DEEP), ChannelUnavailable),
        (Scripted(200, b'{"access_token": "\xff"}'), ChannelUnavailable),
        (Scripted(cut=True), ChannelUnavailable),
    ],
)
async def test_a_token_that_google_does_not_give_lets_nothing_leave(
    answer: Scripted, kind: type[DeliveryError]
) -> None:
    with http_provider() as provider:
        provider.answer = answer
        tokens = GoogleTokens(service_account(), url=f"{provider.url}/token", timeout_seconds=1)
        with pytest.raises(kind):
            tokens.token()


def test_a_token_is_kept_until_it_is_about_to_end_or_is_refused() -> None:
    now = [1_790_000_000.0]
    with http_provider() as provider:
        provider.answer = Scripted(200, '{"access_token": "t", "expires_in": 3600}')
        tokens = GoogleTokens(service_account(), url=f"{provider.url}/token", clock=lambda: now[0])
        for _ in range(3):
            assert tokens.token() == "t"
        assert len(provider.requests) == 1
        now[0] += 3400
        tokens.token()
        tokens.forget()
        tokens.token()
        assert len(provider.requests) == 3


@pytest.mark.parametrize(
    "url", ["https://evil.test/x", "https://hooks.slack.com.evil.test/x", "file:///etc/passwd"]
)
def test_a_plugin_reaches_its_own_service_only(url: str) -> None:
    transport = Transport({"https://hooks.slack.com": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(ValueError, match="not its service"):
        transport.post(url)
    with pytest.raises(ValueError, match="get"):
        transport.request("get", "https://hooks.slack.com/x")


@pytest.mark.parametrize(
    "place",
    ["fcm:short", "pushover:abc", "gotify:a/../b", "slack:T1/B1", "slack:https://hooks.slack.com/x",
     "discord:1/x", "telegram:../getMe", "telegram:0", "slack:T1/B1/" + "x" * 20 + "\n"],
)  # fmt: skip
def test_a_place_that_is_none_is_refused_with_advice(place: str) -> None:
    assert (push_fault(place) or "").startswith("push: give ")


def test_the_shapes_are_json_where_the_services_are() -> None:
    for name in ("fcm", "pushover", "gotify", "discord", "telegram"):
        assert isinstance(json.loads(PUSH_BENCHES[name].takes.body), dict), name
