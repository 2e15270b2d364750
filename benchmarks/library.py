"""What stands beside T1: get-and-save as the event-sourcing library's own tutorial has it.

`repository.get`, one decision, `save`, event by event, with the library's own recorders.
"""

import time
from tempfile import TemporaryDirectory
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from sqlalchemy import make_url

from benchmarks import chain


class PayStream(Aggregate):
    """A stream as the library's own tutorial would write it."""

    def __init__(self, stream_id: int) -> None:
        self.stream_id = stream_id
        self.paused = False
        self.last = ("", 0)

    @event("Paused")
    def pause(self, tx_hash: str, closed_at: int) -> None:
        """The stream stopped."""
        self.paused, self.last = True, (tx_hash, closed_at)

    @event("Resumed")
    def resume(self, tx_hash: str, closed_at: int) -> None:
        """The stream goes on."""
        self.paused, self.last = False, (tx_hash, closed_at)

    @staticmethod
    def create_id(stream_id: int) -> UUID:
        """The same stream, the same id."""
        return uuid5(NAMESPACE_URL, f"/streams/{stream_id}")


def get_and_save(server: str | None, kind: str, events: int, streams: int) -> float:
    """Events a second, on a fresh database of this kind; histories stay as short as `streams` allow."""
    with TemporaryDirectory(prefix=chain.PREFIX) as folder, chain.fresh_url(server, kind) as url:
        application: Application[UUID] = Application(_environment(url, folder))
        for number in range(streams):
            application.save(PayStream(number))
        began = time.perf_counter()
        for number in range(events):
            stream: PayStream = application.repository.get(PayStream.create_id(number % streams))
            change = stream.resume if stream.paused else stream.pause
            change(f"{number:064x}", number)
            application.save(stream)
        took = time.perf_counter() - began
        application.close()
    return events / took


def _environment(url: str, folder: str) -> dict[str, str]:
    """The library's own recorders, with the library's own settings."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": f"{folder}/library.db",
        }
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": address.database or "",
        "POSTGRES_HOST": address.host or "",
        "POSTGRES_PORT": str(address.port or 5432),
        "POSTGRES_USER": address.username or "",
        "POSTGRES_PASSWORD": address.password or "none",
    }
