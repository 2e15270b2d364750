"""Wake-ups: who waits for new rows is told at once; a poll is always the net.

In one process a condition does it. Across processes PostgreSQL's NOTIFY does it, one empty message a
transaction, heard on a direct connection (LISTEN does not survive PgBouncer's transaction pooling).
Nothing is lost when a message is: every wait ends by itself.
"""

import threading
from collections.abc import Iterable

import psycopg
from sqlalchemy import Connection, text

LOG = "log"
OUTBOX = "outbox"
BACKLOG = "backlog"
CALLBACKS = "callbacks"
READ_MODELS = "read_models"
CHANNELS = (LOG, OUTBOX, BACKLOG, CALLBACKS, READ_MODELS)

_RUNG = "pausewire_rung"
_PREFIX = "pausewire_"
_LISTEN_SECONDS = 0.5  # how soon the listening thread sees that it should end


class Bell:
    """Rings after commit for whoever waits on a channel.

    `direct_url`: libpq address past any pooler; None: other processes notice by polling only.
    """

    def __init__(self, direct_url: str | None = None) -> None:
        self._direct_url = direct_url
        self._changed = threading.Condition()
        self._strokes = dict.fromkeys(CHANNELS, 0)
        self._heard = threading.local()
        self._closed = threading.Event()
        self._listener: threading.Thread | None = None

    def ring(self, conn: Connection, channel: str) -> None:
        """Wake the waiters of a channel once this transaction has committed; twice is once."""
        rung = conn.info.setdefault(_RUNG, set())
        if channel in rung:
            return
        rung.add(channel)
        if self._direct_url is not None:
            conn.execute(text("SELECT pg_notify(:channel, '')"), {"channel": _PREFIX + channel})

    def strike(self, channels: Iterable[str]) -> None:
        """Wake the waiters of this process now."""
        with self._changed:
            for channel in channels:
                self._strokes[channel] += 1
            self._changed.notify_all()

    def wait(self, channel: str, timeout_seconds: float) -> None:
        """Return when the channel rings, or after the timeout.

        A ring between this thread's last wait and this one counts: it returns at once.
        """
        self._listen()
        heard: dict[str, int] = self._heard.__dict__
        with self._changed:
            self._changed.wait_for(
                lambda: self._strokes[channel] != heard.get(channel, 0) or self._closed.is_set(),
                timeout_seconds,
            )
            heard[channel] = self._strokes[channel]

    def close(self) -> None:
        """End every wait and the listening thread."""
        self._closed.set()
        self.strike(())
        if self._listener is not None:
            self._listener.join()

    def _listen(self) -> None:
        if self._direct_url is None:
            return
        with self._changed:
            if self._listener is None and not self._closed.is_set():
                self._listener = threading.Thread(
                    target=self._hear, args=(self._direct_url,), name="bell", daemon=True
                )
                self._listener.start()

    def _hear(self, direct_url: str) -> None:
        while not self._closed.is_set():
            try:
                with psycopg.connect(direct_url, autocommit=True) as conn:
                    for channel in CHANNELS:
                        conn.execute(f"LISTEN {_PREFIX}{channel}")
                    self.strike(CHANNELS)  # what rang while nobody listened
                    self._pass_on(conn)
            except psycopg.Error:
                # Polling goes on meanwhile; who cannot reach the database says so elsewhere.
                self._closed.wait(_LISTEN_SECONDS)

    def _pass_on(self, conn: psycopg.Connection) -> None:
        while not self._closed.is_set():
            for notify in conn.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                self.strike([notify.channel.removeprefix(_PREFIX)])


def rung_in(conn: Connection) -> set[str]:
    """The channels rung in the transaction that just ended on this connection; forgets them."""
    rung: set[str] = conn.info.pop(_RUNG, set())
    return rung
