"""Real `pausewire` processes beside a simulated network that is never killed.

The network runs on a thread of the test process, with real sockets and files, so that a test can put
transactions on its chain. What is tested runs in processes of its own: started, killed, judged.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest
from sqlalchemy import func, select

from cli.quiet import Standing, standing
from cli.verdict import Verdict, judge
from notifier.plan import FOLLOWER as PLANNING
from notifier.schema import delivery
from notifier.states import ACCEPTED, DELIVERED, PENDING, UNKNOWN
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store import log
from store.engine import Database
from store.killpoint import VARIABLE as KILL_AT
from store.schema import tracking

PAUSEWIRE = Path(sys.executable).with_name("pausewire")
KILLED = -signal.SIGKILL
STREAMS = 8
LEDGER_SECONDS = 0.2
_COMMAND_SECONDS = 180
_STOP_SECONDS = 45
_SETTLE_SECONDS = 240  # a message lost with its process costs a queue lease of 30 s
_LOG_TAIL = 3000

T = TypeVar("T")


class BackEnd(NamedTuple):
    """Where a deployment keeps its log, what carries its messages, and how its queues are called."""

    database_url: str
    broker_url: str = "memory://"
    namespace: str = "e2e"


def until(condition: Callable[[], T], *, seconds: float, what: str) -> T:
    """Wait for something true, and give it; fail the test when the time is up."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.1)
    return found


def outside() -> dict[str, str]:
    """This process's environment without any setting of Pausewire, and without coverage's tracing.

    Traced, a whole deployment in one process takes three times as long and meets its deadlines no more.
    """
    dropped = ("PAUSEWIRE_", "COVERAGE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


class Process:
    """One running `pausewire` command; its log is a file."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path):
        self.name = " ".join(arguments)
        self._log = log
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                [PAUSEWIRE, *arguments],
                env=dict(environment),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def was_killed(self) -> bool:
        """Whether it has ended by SIGKILL; fail the test when it ended in any other way."""
        code = self.popen.poll()
        if code is None:
            return False
        assert code == KILLED, f"{self.name} ended with {code}:\n{self.log[-_LOG_TAIL:]}"
        return True

    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def stop(self) -> None:
        """End it as a supervisor would; it must do so well."""
        self.popen.send_signal(signal.SIGTERM)
        code = self.popen.wait(_STOP_SECONDS)
        assert code == 0, f"{self.name} ended with {code}:\n{self.log[-_LOG_TAIL:]}"

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(_STOP_SECONDS)


class Site:
    """One deployment under test: a database, a broker, the network, and the processes started."""

    def __init__(self, network: SimulatedNetwork, folder: Path, back_end: BackEnd) -> None:
        self.network = network
        self.folder = folder
        self.database = Database.open(back_end.database_url)
        self.environment = settings_of(network, folder, back_end)
        self._processes: list[Process] = []

    def run(self, *arguments: str, code: int = 0, **changes: str) -> str:
        """Run a command to its end; what it said: where it should fail, on standard error."""
        done = subprocess.run(
            [PAUSEWIRE, *arguments],
            env={**self.environment, **changes},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
        return done.stderr if code else done.stdout

    def start(self, *arguments: str, kill_at: str | None = None, **changes: str) -> Process:
        """Start a long-running command, to be killed at a kill point if one is named."""
        environment = {**self.environment, **changes}
        if kill_at is not None:
            environment[KILL_AT] = kill_at
        log = self.folder / f"{len(self._processes):03}-{arguments[0]}.log"
        process = Process(arguments, environment, log)
        self._processes.append(process)
        return process

    def import_people(self) -> None:
        """Tell Pausewire where everybody on the chain can be reached."""
        self.run("recipients", "import", str(self.network.roster_path))

    def standing(self) -> Standing:
        with self.database.read() as conn:
            return standing(conn, self.network.contract_id)

    def backlog(self) -> int:
        """Recorded events that are not planned, and deliveries that are not queued.

        Without those of a lane: they wait for each other.
        """
        due = (delivery.c.state == PENDING) & delivery.c.lane.is_(None)
        with self.database.read() as conn:
            planned = conn.scalar(select(tracking.c.position).where(tracking.c.name == PLANNING))
            pending = select(func.count()).select_from(delivery).where(due)
            return log.head(conn) - (planned or 0) + (conn.scalar(pending) or 0)

    def settle(self) -> None:
        """Wait until all that is on the chain was recorded, shown and told."""

        def at_rest() -> bool:
            truth = len(read_truth(self.network.truth_path))
            now = self.standing()
            return now.at_rest and now.events == truth

        time.sleep(3 * LEDGER_SECONDS)  # what was submitted is in a ledger by then
        until(at_rest, seconds=_SETTLE_SECONDS, what="everything recorded and told")

    def judge(self) -> Verdict:
        with self.database.read() as conn:
            return judge(conn, self.network.options.state_dir, self.network.contract_id)

    def assert_nothing_lost_or_doubled(self, *, in_doubt: int = 0) -> None:
        """The chain and the catchers tell the same as the database; each doubt is called so.

        More of a webhook: tests/e2e/mirror.py.
        """
        verdict = self.judge()
        assert not verdict.lost
        assert not verdict.duplicated
        assert verdict.events_recorded == verdict.events_on_chain > 0
        verdict.deliveries.pop("webhook", None)
        assert set(verdict.deliveries) == {"in_app", "email", "sms", "push"}
        for channel, states in verdict.deliveries.items():
            assert sum(states.values()) == verdict.notices, f"{channel}: not one per notice"
            assert set(states) <= {ACCEPTED, DELIVERED, UNKNOWN}, f"{channel}: {states}"
        assert set(verdict.deliveries["in_app"]) == {DELIVERED}
        assert verdict.unknown >= in_doubt

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        self.database.close()


@contextmanager
def site(
    folder: Path, back_end: BackEnd, *, seed: int = 1, faults: Path | None = None
) -> Iterator[Site]:
    """A network with idle streams and a deployment to follow it; nothing of either outlives the block."""
    options = SimulatorOptions(
        state_dir=folder / "simulator",
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        streams=STREAMS,
        seed=seed,
        ledger_seconds=LEDGER_SECONDS,
        scenario="quiet",
        faults=faults,
    )
    with running(options) as network:
        opened = Site(network, folder, back_end)
        try:
            yield opened
        finally:
            opened.close()


def settings_of(network: SimulatedNetwork, folder: Path, back_end: BackEnd) -> dict[str, str]:
    """The environment of a process: development, pointed at the network, with little patience."""
    contract = {"id": network.contract_id, "start_ledger": network.first_ledger}
    return outside() | {
        "PAUSEWIRE_ENVIRONMENT": "development",
        "PAUSEWIRE_SIMULATOR__ENABLED": "false",
        "PAUSEWIRE_CANARY__ENABLED": "false",  # judges count every delivery
        "PAUSEWIRE_RESTRAINT__WINDOW_SECONDS": "0",  # so that there is a letter for each notice
        "PAUSEWIRE_STATE_DIR": str(folder),
        "PAUSEWIRE_NETWORK__RPC_URLS": json.dumps([network.rpc_url]),
        "PAUSEWIRE_NETWORK__CONTRACTS": json.dumps([contract]),
        "PAUSEWIRE_DATABASE__URL": back_end.database_url,
        "PAUSEWIRE_BROKER__URL": back_end.broker_url,
        "PAUSEWIRE_BROKER__NAMESPACE": back_end.namespace,
        "PAUSEWIRE_BROKER__WORKER_THREADS": "24",
        "PAUSEWIRE_EMAIL__PORT": str(network.smtp_port),
        "PAUSEWIRE_SMS__BASE_URL": network.web_url,
        "PAUSEWIRE_PUSH__NTFY_URL": network.web_url,
        "PAUSEWIRE_INGEST__POLL_SECONDS": "0.2",
        # Small transactions, so that a kill falls between two of one page rather than beside them.
        "PAUSEWIRE_INGEST__SLICE_EVENTS": "1",
        "PAUSEWIRE_PROJECTIONS__CHUNK_EVENTS": "3",
        "PAUSEWIRE_NOTIFIER__CHUNK_EVENTS": "3",
        "PAUSEWIRE_INGEST__LEASE_SECONDS": "1",
        "PAUSEWIRE_PROJECTIONS__POLL_SECONDS": "0.2",
        "PAUSEWIRE_NOTIFIER__POLL_SECONDS": "0.2",
        "PAUSEWIRE_NOTIFIER__LEASE_SECONDS": "5",
        "PAUSEWIRE_EMAIL__TIMEOUT_SECONDS": "4",
        "PAUSEWIRE_SMS__TIMEOUT_SECONDS": "4",
        "PAUSEWIRE_PUSH__TIMEOUT_SECONDS": "4",
        "PAUSEWIRE_WEBHOOKS__TIMEOUT_SECONDS": "4",
        "PAUSEWIRE_NOTIFIER__SWEEP_SECONDS": "0.5",
        "PAUSEWIRE_TELEMETRY__LOG_LEVEL": "info",
    }
