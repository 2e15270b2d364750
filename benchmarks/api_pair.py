"""Two `pausewire api` behind which one `pausewire notify` works, as an operator starts them."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks import deployed
from benchmarks.crowd import CONTRACT
from tests.fakes.planned import MASTER_KEY

_PROCESSES = 2
_READY_SECONDS = 60
_STOP_SECONDS = 60


class ApiPair:
    """The processes; `ports`: where the two listen."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)
        self.ports = [deployed.free_port() for _ in range(_PROCESSES)]
        self._nodes = [self._api(port) for port in self.ports]
        self._notify = self._start("notify", self._environment)

    def await_ready(self) -> None:
        """Wait until both answer. Raises SystemExit where they do not."""
        deadline = time.monotonic() + _READY_SECONDS
        while not all(map(_answers, self.ports)):
            ended = any(node.poll() is not None for node in self._nodes)
            if ended or time.monotonic() > deadline:
                said = (self._folder / "api.log").read_text("utf-8", "replace")
                raise SystemExit(f"pausewire api does not answer:\n{said[-2000:]}")
            time.sleep(0.1)

    def kill_one(self, away_seconds: float) -> None:
        """SIGKILL for the first of the two, and another in its place after so long."""
        self._nodes[0].kill()
        self._nodes[0].wait()
        time.sleep(away_seconds)
        self._nodes[0] = self._api(self.ports[0])

    def close(self) -> None:
        """End all of them."""
        for process in (*self._nodes, self._notify):
            process.terminate()
        for process in (*self._nodes, self._notify):
            process.wait(_STOP_SECONDS)

    def _api(self, port: int) -> "subprocess.Popen[bytes]":
        return self._start("api", self._environment | {"PAUSEWIRE_API__PORT": str(port)})

    def _start(self, role: str, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [deployed.PAUSEWIRE, role], env=environment, cwd=self._folder, stderr=log
            )


@contextmanager
def api_pair(folder: Path, url: str, settings: Mapping[str, str]) -> Iterator[ApiPair]:
    """Development's settings and these, on this database, for the length of the block."""
    pair = ApiPair(
        folder,
        deployed.outside()
        | {
            "PAUSEWIRE_ENVIRONMENT": "development",
            "PAUSEWIRE_SIMULATOR__ENABLED": "false",
            "PAUSEWIRE_CANARY__ENABLED": "false",
            "PAUSEWIRE_STATE_DIR": str(folder),
            "PAUSEWIRE_DATABASE__URL": url,
            "PAUSEWIRE_SECRETS__PROVIDER": "environment",
            "PAUSEWIRE_SECRETS__MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
            # Named because they must be; the API and the notifier ask no node.
            "PAUSEWIRE_NETWORK__RPC_URLS": '["http://127.0.0.1:9"]',
            "PAUSEWIRE_NETWORK__CONTRACTS": json.dumps([{"id": CONTRACT, "start_ledger": 1}]),
            **settings,
        },
    )
    try:
        pair.await_ready()
        yield pair
    finally:
        pair.close()


def _answers(port: int) -> bool:
    conn = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        conn.request("GET", "/livez")
        return conn.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        conn.close()
