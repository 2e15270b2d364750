"""When each pause became visible at the RPC: an own client asks for new events every 10 ms.

It measures both sides alike, up to 10 ms late, and costs the simulated network a few percent of a core.
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from stellar_sdk import scval

from simulator.network import SimulatedNetwork

LOOK_SECONDS = 0.01
_REQUEST_SECONDS = 5


class Watcher:
    """`paused_at`: stream id to the unix time its pause was first answered with."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self.events = 0
        self.paused_at: dict[int, float] = {}
        self._contract_id = network.contract_id
        self._connection = http.client.HTTPConnection(
            urlsplit(network.rpc_url).netloc, timeout=_REQUEST_SECONDS
        )
        self._where: dict[str, int] = {"startLedger": network.first_ledger}
        self._pagination: dict[str, Any] = {"limit": 1000}

    def look(self) -> None:
        """Take in what is new."""
        filters = [{"type": "contract", "contractIds": [self._contract_id]}]
        params = {"filters": filters, "pagination": self._pagination, **self._where}
        call = {"jsonrpc": "2.0", "id": 1, "method": "getEvents", "params": params}
        kind = {"Content-Type": "application/json"}
        self._connection.request("POST", "/", json.dumps(call), kind)
        page = json.load(self._connection.getresponse())["result"]
        now = time.time()
        for event in page["events"]:
            self.events += 1
            if scval.to_native(event["topic"][0]) == "paused":
                self.paused_at[scval.from_uint64(event["topic"][1])] = now
        self._where, self._pagination["cursor"] = {}, page["cursor"]

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def watching(network: SimulatedNetwork) -> Iterator[Watcher]:
    """A watcher at work on a thread of its own."""
    watcher, stop = Watcher(network), threading.Event()

    def watch() -> None:
        while not stop.wait(LOOK_SECONDS):
            watcher.look()

    thread = threading.Thread(target=watch, name="watcher")
    thread.start()
    try:
        yield watcher
    finally:
        stop.set()
        thread.join()
        watcher.close()
