"""Durable, deduplicated email against a bare loop over the same kept-open connections.

Both sides send the same letters to the same SMTP sink, which runs in a process of its own. The bare
loop builds each mail with the standard library and sends it with aiosmtplib: no database, no broker, no
record. Ours claims, marks, sends and settles each one durably, by the worker of `pausewire notify`.
"""

import asyncio
import statistics
import threading
import time

from sqlalchemy import func, select

from benchmarks import apart, bare, chain, sink
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from config.channel_settings import EmailSettings
from config.settings import BrokerSettings, Settings
from notifier.rendering import Renderer
from notifier.schema import delivery
from notifier.states import ACCEPTED
from notifier.worker import build_worker
from store.engine import Database
from tests.fakes.planned import content, plan_many, vault

CONNECTIONS = 8
WORKER_THREADS = 32
_MOST_SECONDS = 300
_LOOK_SECONDS = 0.2


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
    stop = threading.Event()
    worker = build_worker(_settings(port), database, vault())
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        _await_accepted(database, mails)
    finally:
        stop.set()
        thread.join()
    times = select(func.min(delivery.c.queued_at), func.max(delivery.c.accepted_at))
    with database.read() as conn:
        first, last = conn.execute(times).one()
    database.close()
    return mails * 1e6 / float(last - first)


def _settings(port: int) -> Settings:
    email = EmailSettings(
        enabled=True,
        host="127.0.0.1",
        port=port,
        tls="none",
        sender=bare.SENDER,
        connections=CONNECTIONS,
    )
    return Settings(email=email, broker=BrokerSettings(worker_threads=WORKER_THREADS))


def _await_accepted(database: Database, mails: int) -> None:
    accepted = select(func.count()).where(delivery.c.state == ACCEPTED)
    deadline = time.monotonic() + _MOST_SECONDS
    while True:
        with database.read() as conn:
            found = conn.scalar(accepted) or 0
        if found == mails:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"{mails - found} mails were not accepted in time")
        time.sleep(_LOOK_SECONDS)
