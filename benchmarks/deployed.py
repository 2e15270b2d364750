"""`pausewire up` as an operator starts it: a real process with settings from its environment.

Development's settings, but the simulated network is somebody else's, mail goes to the given sink, and
nobody has a phone or a push topic.
"""

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from notifier.contact_file import HEADER
from simulator.network import SimulatedNetwork

PAUSEWIRE = Path(sys.executable).with_name("pausewire")
_COMMAND_SECONDS = 60
_LOG_TAIL = 2000


class Over(NamedTuple):
    """A broker: its URL, and what the names of the queues begin with there."""

    broker: str = "memory"
    url: str = "memory://"
    namespace: str = "pausewire"

    @property
    def settings(self) -> dict[str, str]:
        """What a deployment is told of it."""
        return {
            "PAUSEWIRE_BROKER__URL": self.url,
            "PAUSEWIRE_BROKER__NAMESPACE": self.namespace,
        }


@contextmanager
def pausewire(
    network: SimulatedNetwork,
    folder: Path,
    *,
    back_end: Mapping[str, str],
    smtp_port: int,
    poll_seconds: float,
    addresses: Mapping[str, str],
) -> Iterator[None]:
    """Everything in one process, for the length of the block; `addresses`: account to mail address.

    `back_end`: settings of its database and its broker.
    """
    roster = folder / "roster.csv"
    with roster.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, HEADER, restval="")
        lines.writeheader()
        lines.writerows({"account_id": who, "email": at} for who, at in addresses.items())
    environment = _environment(network, folder) | {
        **back_end,
        "PAUSEWIRE_EMAIL__PORT": str(smtp_port),
        "PAUSEWIRE_INGEST__POLL_SECONDS": str(poll_seconds),
    }
    subprocess.run(
        [PAUSEWIRE, "recipients", "import", roster],
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=_COMMAND_SECONDS,
    )
    with (folder / "up.log").open("w+b") as log:
        process = subprocess.Popen([PAUSEWIRE, "up"], env=environment, cwd=folder, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            code = process.wait(_COMMAND_SECONDS)
            log.seek(0)
            said = log.read()[-_LOG_TAIL:].decode("utf-8", "replace")
    if code:
        raise SystemExit(f"pausewire up ended with {code}:\n{said}")


def _environment(network: SimulatedNetwork, folder: Path) -> dict[str, str]:
    contract = {"id": network.contract_id, "start_ledger": network.first_ledger}
    return outside() | {
        "PAUSEWIRE_ENVIRONMENT": "development",
        "PAUSEWIRE_SIMULATOR__ENABLED": "false",
        "PAUSEWIRE_STATE_DIR": str(folder),
        "PAUSEWIRE_NETWORK__RPC_URLS": json.dumps([network.rpc_url]),
        "PAUSEWIRE_NETWORK__CONTRACTS": json.dumps([contract]),
        "PAUSEWIRE_API__PORT": str(free_port()),
    }


def outside() -> dict[str, str]:
    """The environment of the process, without any setting of Pausewire."""
    return {key: text for key, text in os.environ.items() if not key.startswith("PAUSEWIRE_")}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
