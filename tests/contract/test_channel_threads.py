"""What belongs together stays together: against the catchers, a resume joins the pause that it answers."""

from dataclasses import replace
from uuid import uuid4

from notifier.channels.channel import Letter
from notifier.channels.email import EmailChannel
from notifier.channels.push import NtfyServer, PushChannel
from notifier.channels.smtp_pool import SmtpServer
from simulator.catchers.caught import Caught
from simulator.catchers.mail import serve_mail
from simulator.catchers.push import add_push_provider
from tests.fakes.catching import catching
from tests.fakes.channel_benches import LETTER

PAUSE = replace(LETTER, delivery_id=uuid4(), kind="paused")
RESUME = replace(LETTER, delivery_id=uuid4(), kind="resumed", subject="Your pay stream runs again")
ANOTHER = replace(LETTER, delivery_id=uuid4(), thread="CABC.8")
LETTERS: tuple[Letter, ...] = (PAUSE, RESUME, ANOTHER)


async def test_mails_of_one_stream_answer_one_root_that_was_never_sent(tmp_path) -> None:
    caught = Caught(tmp_path / "mail.ndjson")
    server = await serve_mail(caught, "127.0.0.1", 0)
    channel = EmailChannel(
        SmtpServer(host="127.0.0.1", port=server.sockets[0].getsockname()[1], tls="none"),
        sender="alerts@pausewire.test",
        connections=1,
    )
    for letter in LETTERS:
        async with channel.prepare(letter, "ana@example.test") as handover:
            await handover.send()
    await channel.close()
    server.close()
    another, resume, pause = (mail["headers"] for mail in caught.newest_first())
    caught.close()
    root = "<CABC.7@pausewire.test>"
    assert pause["In-Reply-To"] == pause["References"] == root
    assert resume["In-Reply-To"] == resume["References"] == root
    assert another["In-Reply-To"] == "<CABC.8@pausewire.test>"
    ids = {mail["Message-ID"] for mail in (pause, resume, another)}
    assert len(ids) == 3
    assert root not in ids


async def test_on_a_device_a_streams_newer_message_takes_the_older_ones_place(tmp_path) -> None:
    async with catching(add_push_provider, tmp_path / "push.ndjson") as (url, caught):
        channel = PushChannel(NtfyServer(url=url))
        for letter in LETTERS:
            async with channel.prepare(letter, "ntfy:pausewire-ana") as handover:
                await handover.send()
        await channel.close()
        another, resume, pause = (line["sequence_id"] for line in caught.newest_first())
    assert pause == resume == PAUSE.collapse_key
    assert another not in ("", pause)
