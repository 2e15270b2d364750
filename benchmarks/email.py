"""Durable, deduplicated email against a bare loop over the same kept-open connections.

Both sides send the same letters to the same SMTP sink, which runs in a process of its own. The bare
loop builds each mail with the standard library and sends it with aiosmtplib: no database, no broker, no
record. Ours claims, marks, sends and settles each one durably, by the worker of `pausewire notify`.
"""

import asyncio
import statistics
import time

from benchmarks import apart, bare, chain, sends, sink
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from config.channel_settings import EmailSettings
from config.settings import BrokerSettings, Settings
from notifier.rendering import Renderer
from store.engine import Database
from tests.fakes.planned import content, plan_many

CONNECTIONS = 8


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Mails a second on each database."""
    made = []
    with sink.running() as mail:
        for kind in scale.kinds:
            theirs, ours = [], []
            for _ in range(scale.rounds):
                theirs.append(call(bare_rate, mail.port, scale.mails))
                with chain.fresh_url(scale.postgres, kind) as url:
                    ours.append(call(our_rate, url, mail.port, scale.mails))
            made.append(
                Line(
                    what=f"email, durable and deduplicated, {kind}",
                    ours=statistics.median(ours),
                    unit="mails/s",
                    beside="bare loop, same connections",
                    theirs=statistics.median(theirs),
                    target=Target(of="ratio", bound=0.8),
                )
            )
    return made


def bare_rate(port: int, mails: int) -> float:
    """Mails a second of the bare loop."""
    return asyncio.run(_bare_rate(port, mails))


async def _bare_rate(port: int, mails: int) -> float:
    words, facts, numbers = Renderer(), content(), iter(range(mails))

    async def lane() -> None:
        client = await bare.connected(port)
        for number in numbers:
            await client.send_message(bare.letter(words, facts, f"p{number}@example.test"))
        await client.quit()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    return mails / (time.perf_counter() - began)


def our_rate(url: str, port: int, mails: int) -> float:
    """Mails a second of the worker, from the first queued to the last accepted."""
    database = Database.open(url)
    with database.begin() as conn:
        plan_many(conn, [f"p{number}@example.test" for number in range(mails)])
    measured = sends.rate(_settings(port), database, mails)
    database.close()
    return measured


def _settings(port: int) -> Settings:
    email = EmailSettings(
        enabled=True,
        host="127.0.0.1",
        port=port,
        tls="none",
        sender=bare.SENDER,
        connections=CONNECTIONS,
    )
    return Settings(email=email, broker=BrokerSettings(worker_threads=sends.WORKER_THREADS))
