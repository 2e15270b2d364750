"""How many letters a second the worker of `pausewire notify` sends: claimed, marked, sent, settled."""

import threading
import time

from sqlalchemy import func, select

from config.settings import Settings
from notifier.schema import delivery
from notifier.states import ACCEPTED, DELIVERED
from notifier.worker import build_worker
from store.engine import Database
from tests.fakes.planned import vault

WORKER_THREADS = 32
_MOST_SECONDS = 300
_LOOK_SECONDS = 0.2


def rate(settings: Settings, database: Database, letters: int) -> float:
    """Letters a second, from the first queued to the last accepted, of so many that are pending."""
    stop = threading.Event()
    worker = build_worker(settings, database, vault())
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        _await_accepted(database, letters)
    finally:
        stop.set()
        thread.join()
    times = select(func.min(delivery.c.queued_at), func.max(delivery.c.accepted_at))
    with database.read() as conn:
        first, last = conn.execute(times).one()
    return letters * 1e6 / float(last - first)


def _await_accepted(database: Database, letters: int) -> None:
    accepted = select(func.count()).where(delivery.c.state.in_((ACCEPTED, DELIVERED)))
    deadline = time.monotonic() + _MOST_SECONDS
    while True:
        with database.read() as conn:
            found = conn.scalar(accepted) or 0
        if found == letters:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"{letters - found} letters were not accepted in time")
        time.sleep(_LOOK_SECONDS)
