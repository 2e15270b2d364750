"""10 The worker process: wires relay, broker, deliverer and channels from settings; holds no logic.

In: settings and a database. Out: a NotifyWorker that `pausewire notify` and `pausewire up` run.
Next: 11 deliver.py does each message. Scale by running more processes.
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from uuid import uuid4

import structlog
from dramatiq import Broker, Middleware, Worker
from dramatiq.asyncio import async_to_sync

from config.settings import Settings
from notifier.broker import NAMESPACE, Queues, build_broker, idle_milliseconds
from notifier.channels.loopback import LoopbackChannel
from notifier.deliver import Deliverer
from notifier.facts import FactsAppender
from notifier.gather import Gatherer
from notifier.group_commit import GroupCommit
from notifier.guests_on import guests_of
from notifier.letters import Letters
from notifier.limits_on import brake_of, paces_of, spending_of
from notifier.pacing import Pacing
from notifier.privacy import Vault
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.states import CANARY
from notifier.sweep import Sweeper
from notifier.switched_on import build_channels
from store.engine import Database

WORKER_STARTED = "notify_worker_started"
WORKER_STOPPED = "notify_worker_stopped"

# Messages queued ahead of the threads: enough that none idles, few enough to be overtaken.
QUEUED_PER_THREAD = 4
_STOP_MILLISECONDS = 60_000  # letters under way end by their own timeouts before that

Role = Callable[[threading.Event], None]


class CloseOnLoop(Middleware):
    """Closes the deliverer on the loop that its connections belong to, before that loop ends."""

    def __init__(self, deliverer: Deliverer) -> None:
        self._deliverer = deliverer

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """The threads have ended, the loop has not."""
        del broker, worker
        async_to_sync(self._deliverer.close)()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyWorker:
    """One process's share of delivering."""

    broker: Broker
    worker: Worker
    relay: Relay
    roles: Mapping[str, Role]

    def run(self, stop: threading.Event) -> None:
        """Deliver until told to stop, then finish what is under way. Raises what ended a role."""
        log = structlog.get_logger()
        self.worker.start()
        log.info(WORKER_STARTED, threads=self.worker.worker_threads)
        with ThreadPoolExecutor(len(self.roles), thread_name_prefix="notify") as pool:
            running = [pool.submit(role, stop) for role in self.roles.values()]
            wait(running, return_when=FIRST_EXCEPTION)
            stop.set()
            self.worker.stop(timeout=_STOP_MILLISECONDS)
            wait(running)
        try:
            self.relay.take_back()
        finally:
            self.broker.close()
        for role in running:
            role.result()
        log.info(WORKER_STOPPED)


def build_worker(
    settings: Settings, database: Database, vault: Vault, *, queue_prefix: str = NAMESPACE
) -> NotifyWorker:
    """Wire a process from settings; nothing connects before `run`. One per process."""
    name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
    channels = build_channels(settings)
    if canary_channel(settings) == CANARY:
        channels[CANARY] = LoopbackChannel()
    notifier = settings.notifier
    pacing = Pacing(paces_of(settings, vault, channels))
    deliverer = Deliverer(
        moves=GroupCommit(database),
        letters=_letters(settings, vault),
        channels=channels,
        lease_seconds=notifier.lease_seconds,
        worker=name,
        pacing=pacing,
        spending=spending_of(settings),
    )
    broker = _broker(settings, deliverer)
    queues = Queues(broker, deliverer, channels=list(channels), prefix=queue_prefix)
    options = RelayOptions(
        name=name,
        providers={each: channel.provider for each, channel in channels.items()},
        queue_limit=QUEUED_PER_THREAD * settings.broker.worker_threads,
        poll_seconds=notifier.poll_seconds,
        pacing=pacing,
    )
    relay = Relay(database, queues.enqueue, options)
    return NotifyWorker(
        broker=broker,
        worker=_threads_of(settings, broker),
        relay=relay,
        roles={
            "relay": relay.run,
            "sweep": _sweeper(settings, database, options).run,
            "gather": _gatherer(settings, database).run,
            "facts": FactsAppender(database, poll_seconds=notifier.poll_seconds).run,
        },
    )


def _broker(settings: Settings, deliverer: Deliverer) -> Broker:
    # A claim is worth nothing after its lease: stop working on it then.
    broker = build_broker(
        settings.broker.url.get_secret_value(),
        time_limit_seconds=settings.notifier.lease_seconds,
        closing=CloseOnLoop(deliverer),
    )
    # An embedded worker does not emit this; without it TimeLimit is silently inactive.
    broker.emit_after("process_boot")
    return broker


def _threads_of(settings: Settings, broker: Broker) -> Worker:
    return Worker(
        broker,
        worker_threads=settings.broker.worker_threads,
        worker_timeout=idle_milliseconds(settings.broker.url.get_secret_value()),
    )


def _gatherer(settings: Settings, database: Database) -> Gatherer:
    return Gatherer(
        database,
        window_seconds=settings.restraint.window_seconds,
        reminders_seconds=settings.reminders.together_hours * 3600,
        poll_seconds=settings.notifier.poll_seconds,
    )


def _sweeper(settings: Settings, database: Database, relaying: RelayOptions) -> Sweeper:
    return Sweeper(
        database,
        sweep_seconds=settings.notifier.sweep_seconds,
        disable_after_days=settings.webhooks.disable_after_days,
        patience_seconds=settings.notifier.unknown_patience_minutes * 60,
        pacing=relaying.pacing,
        providers=relaying.providers,
        brake=brake_of(settings),
    )


def _letters(settings: Settings, vault: Vault) -> Letters:
    return Letters(
        vault,
        Renderer(),
        guests=guests_of(settings),
        canary_place=settings.canary.email or "-",
        public_url=settings.api.public_url,
    )


def canary_channel(settings: Settings) -> str | None:
    """How the canary travels: by email where it has a mailbox, else to no provider; None: it is off."""
    if not settings.canary.enabled:
        return None
    return "email" if settings.canary.email is not None and settings.email.enabled else CANARY
