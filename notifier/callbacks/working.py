"""Callbacks worked off: the oldest due ones are read and applied, and what fails is tried again, then dead.

In: waiting rows. Out: moved deliveries, the suppression list, rows that are done or dead.
Twice: a row is locked while it is worked on, and is done in the same transaction as what it did.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, Row, delete, select, update

from notifier import guard
from notifier.callbacks.arrivals import DEAD, DONE, WAITING, row_name
from notifier.callbacks.effects import Applied, Done, Later, apply
from notifier.callbacks.readers import READERS
from notifier.callbacks.tidings import Reader
from notifier.errors import CallbackError
from notifier.privacy import Vault
from notifier.running import run_until
from notifier.schema import callback
from store.clock import now_micros
from store.engine import Database
from store.wake import CALLBACKS

CALLBACK_DEAD = "callback_dead"
CALLBACKS_WORKED = "callbacks_worked_off"

RETRY_SECONDS = (10, 30, 60)
# What came before its time waits for our own result, which takes milliseconds or a lease.
EARLY_SECONDS = 1
BATCH = 20  # keeps SQLite's write transaction short
_FORGET = 500
_DAY = 86_400
_SECOND = 1_000_000


class CallbackWorker:
    """Works callbacks off; any number of processes may run one, each row is worked on by one."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        keep_days: float,
        poll_seconds: float,
        readers: Mapping[str, Reader] = READERS,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._vault = vault
        self._keep = int(keep_days * _DAY * _SECOND)
        self._poll_seconds = poll_seconds
        self._readers = readers
        self._clock = clock
        self._log = structlog.get_logger()

    def step(self) -> int:
        """Work off the oldest due ones; returns how many, 0 when nothing is due."""
        now = self._clock()
        with self._database.begin() as conn:
            due = conn.execute(
                select(callback)
                .where(callback.c.state == WAITING, callback.c.due_at <= now)
                .order_by(callback.c.due_at)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            for row in due:
                self._work(conn, row, now)
            forgotten = 0 if due else _forget(conn, now)
        if due:
            self._log.debug(CALLBACKS_WORKED, callbacks=len(due))
        return len(due) + forgotten

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        run_until(
            stop,
            self.step,
            pause=lambda: self._database.bell.wait(CALLBACKS, self._poll_seconds),
            role="callbacks",
        )

    def _work(self, conn: Connection, row: Row[Any], now: int) -> None:
        """One callback; whatever is wrong with it stays with it."""
        learned: dict[str, Any] = {}
        try:
            with conn.begin_nested():
                end, learned = self._apply(conn, row, now)
        except CallbackError as error:
            end = Later(f"{type(error).__name__}: {error}", costs_try=True)
        except Exception as error:
            if not guard.is_defect(error):
                raise
            end = Later(guard.place_of(error), costs_try=True)
        changes = learned | self._ended(row, end, now)
        conn.execute(
            update(callback).where(callback.c.callback_id == row.callback_id).values(changes)
        )

    def _apply(self, conn: Connection, row: Row[Any], now: int) -> Applied:
        if row.payload is None:
            return Applied(Done("erased"), {})
        reader = self._readers.get(row.provider)
        if reader is None:
            return Applied(Later(f"no provider {row.provider} is known", costs_try=True), {})
        payload = self._vault.unseal(row.payload, row_name(row.callback_id))
        return apply(conn, self._vault, row, reader(payload), now)

    def _ended(self, row: Row[Any], end: Done | Later, now: int) -> dict[str, Any]:
        """The columns that say how a try ended."""
        if isinstance(end, Done):
            return {
                "state": DONE,
                "outcome": end.outcome,
                "processed_at": now,
                "due_at": now + self._keep,
            }
        if not end.costs_try:
            return {"outcome": end.reason, "due_at": now + EARLY_SECONDS * _SECOND}
        tries = row.tries + 1
        if tries > len(RETRY_SECONDS):
            self._log.error(
                CALLBACK_DEAD,
                callback_id=str(row.callback_id),
                provider=row.provider,
                kind=row.kind,
            )
            return {"state": DEAD, "tries": tries, "outcome": end.reason, "processed_at": now}
        due_at = now + RETRY_SECONDS[row.tries] * _SECOND
        return {"tries": tries, "outcome": end.reason, "due_at": due_at}


def _forget(conn: Connection, now: int) -> int:
    """Drop done ones whose time is over; no provider repeats itself that late."""
    over = (
        select(callback.c.callback_id)
        .where(callback.c.state == DONE, callback.c.due_at <= now)
        .limit(_FORGET)
        .with_for_update(skip_locked=True)
    )
    return conn.execute(delete(callback).where(callback.c.callback_id.in_(over))).rowcount
