"""A provider on a bad day, against the channels: what was not taken is put off, what may be is unknown."""

from pathlib import Path

import pytest
from aiohttp import web

from notifier.channels.channel import Channel, Receipt
from notifier.channels.email import EmailChannel
from notifier.channels.push import NtfyServer, PushChannel
from notifier.channels.smtp_pool import SmtpServer
from notifier.errors import OutcomeUnknown, Transient
from simulator.catchers.caught import Caught
from simulator.catchers.mail import serve_mail
from simulator.catchers.moods import Mood, MoodPlan, Moods
from simulator.catchers.push import add_push_provider
from tests.contract.test_channel_suite import LETTER

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


@pytest.mark.parametrize(("mood", "end", "there"), ENDS)
async def test_a_push_on_a_bad_day(tmp_path: Path, mood: Mood, end: type, there: int) -> None:
    moods = Moods(MoodPlan(rates={mood: 1.0}))
    application = web.Application(middlewares=[moods.middleware])
    caught = Caught(tmp_path / "push.ndjson")
    add_push_provider(application, caught)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    channel = PushChannel(NtfyServer(url=f"http://127.0.0.1:{runner.addresses[0][1]}"))
    assert isinstance(await sent(channel, "ntfy:pausewire-ana"), end)
    await runner.cleanup()
    assert len(list(caught.newest_first())) == there
    caught.close()


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
