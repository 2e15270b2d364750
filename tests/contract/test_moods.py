"""A provider on a bad day, against the channels: what was not taken is put off, what may be is unknown."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from notifier.channels.channel import Channel, Receipt
from notifier.channels.email import EmailChannel
from notifier.channels.push import NtfyServer, PushChannel
from notifier.channels.sms.aws_signing import AwsKey
from notifier.channels.sms.sns import SnsAccount, SnsChannel
from notifier.channels.sms.twilio import TwilioAccount, TwilioChannel
from notifier.channels.sms.vonage import VonageAccount, VonageChannel
from notifier.channels.smtp_pool import SmtpServer
from notifier.channels.webhook import Receiver, WebhookChannel, destination_of
from notifier.errors import Deferred, OutcomeUnknown, Transient
from simulator.catchers.application import CHANNELS, web_application
from simulator.catchers.caught import Caught
from simulator.catchers.mail import serve_mail
from simulator.catchers.moods import Mood, MoodPlan, Moods
from simulator.catchers.sns import SNS_PATH
from tests.fakes.channel_benches import LETTER, LOOPBACK, NUMBER

# What the sender learns, and whether it is there.
ENDS = [
    (Mood.BUSY, Transient, 0),
    (Mood.AWAY, Transient, 0),
    (Mood.ERROR, OutcomeUnknown, 0),
    (Mood.DROP, OutcomeUnknown, 0),
    (Mood.CUT, OutcomeUnknown, 1),
    (Mood.LIE, OutcomeUnknown, 1),
    (Mood.SLOW, Receipt, 1),
]


async def sent(channel: Channel, place: str) -> Receipt | Exception:
    try:
        async with channel.prepare(LETTER, place) as handover:
            return await handover.send()
    except Exception as error:  # noqa: BLE001 # what it is is what the test asks
        return error
    finally:
        await channel.close()


def receiver(url: str) -> str:
    return destination_of(Receiver(f"{url}/webhooks/ana", (b"k" * 32,)))


# Record in the catchers' application, channel before its address, destination there.
PROVIDERS: dict[str, tuple[str, Callable[[str], Channel], Callable[[str], str]]] = {
    "ntfy": ("push", lambda url: PushChannel(NtfyServer(url=url)), lambda _: "ntfy:pausewire-ana"),
    "twilio": (
        "sms",
        lambda url: TwilioChannel(
            TwilioAccount(base_url=url, account_sid="AC1", auth_token="x", sender="+15550100000")
        ),
        lambda _: NUMBER,
    ),
    "vonage": (
        "sms_vonage",
        lambda url: VonageChannel(
            VonageAccount(base_url=url, api_key="k", api_secret="s", sender="Pausewire")
        ),
        lambda _: NUMBER,
    ),
    "sns": (
        "sms_sns",
        lambda url: SnsChannel(
            SnsAccount(
                base_url=url + SNS_PATH.rstrip("/"),
                key=AwsKey("AKIA", "secret", "us-east-1", "sns"),
                sender="PAUSE",
            )
        ),
        lambda _: NUMBER,
    ),
    "webhook": ("webhooks", lambda _: WebhookChannel(LOOPBACK, timeout_seconds=5), receiver),
}


@pytest.mark.parametrize("name", sorted(PROVIDERS))
@pytest.mark.parametrize(("mood", "end", "there"), ENDS)
async def test_a_provider_on_a_bad_day(
    tmp_path: Path, name: str, mood: Mood, end: type, there: int
) -> None:
    record, make, place = PROVIDERS[name]
    records = {each: Caught(tmp_path / f"{each}.ndjson") for each in CHANNELS}
    application = web_application(records, moods=Moods(MoodPlan(rates={mood: 1.0})))
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    if end is OutcomeUnknown and name == "webhook":
        end = Deferred  # sent again with the same id, by which the receiver knows it
    assert isinstance(await sent(make(url), place(url)), end)
    await runner.cleanup()
    assert len(list(records[record].newest_first())) == there
    for each in records.values():
        each.close()


@pytest.mark.parametrize(("mood", "end", "there"), ENDS)
async def test_a_mail_on_a_bad_day(tmp_path: Path, mood: Mood, end: type, there: int) -> None:
    caught = Caught(tmp_path / "mail.ndjson")
    server = await serve_mail(caught, "127.0.0.1", 0, Moods(MoodPlan(rates={mood: 1.0})))
    port = server.sockets[0].getsockname()[1]
    channel = EmailChannel(
        SmtpServer(host="127.0.0.1", port=port, tls="none"),
        sender="alerts@pausewire.test",
        connections=1,
    )
    assert isinstance(await sent(channel, "ana@example.test"), end)
    server.close()
    assert len(list(caught.newest_first())) == there
    caught.close()


def test_the_same_seed_draws_the_same_moods_by_their_rates() -> None:
    plan = MoodPlan(seed=7, rates={Mood.BUSY: 0.2, Mood.CUT: 0.1})
    first, second = Moods(plan), Moods(plan)
    drawn = [first.next() for _ in range(1000)]
    assert drawn == [second.next() for _ in range(1000)]
    assert 150 < drawn.count(Mood.BUSY) < 250
    assert 60 < drawn.count(Mood.CUT) < 140
    assert Moods().next() is None
