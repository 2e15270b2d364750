"""From an event's being visible at the RPC to its mail's being accepted, beside the bare loop.

A simulated network closes a ledger every tenth of a second; somebody is paused about every 0.3 s, and
that employee alone has an address. First the bare loop (bare.py) tells half of them, then `pausewire up`
(deployed.py) the other half: processes of their own, the same RPC, mail sink and poll interval. It is
measured on each database with the queue in memory, and over each broker that is there. Ledgers
carry whole seconds only, so the beginning is what watcher.py saw; the end is the sink's clock.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import bare, brokers, chain, deployed, sink, watcher
from benchmarks.deployed import Over
from benchmarks.report import Line, Target
from benchmarks.scale import PRODUCTION_POLL_SECONDS, Scale
from notifier.latency import percentiles
from simulator.calls import Call
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions

LEDGER_SECONDS = 0.1
WARM_UP = 3  # processes have started and connections are open once these were told
_MOST_SECONDS = 60
_LOOK_SECONDS = 0.1


class Told(NamedTuple):
    """Percentiles of both sides, in seconds."""

    ours: Mapping[str, float]
    bare: Mapping[str, float]


def lines(scale: Scale) -> list[Line]:
    """p50 and p99 of each deployment, at each poll interval."""
    with brokers.opened(scale.brokers) as there:
        return [
            line
            for poll_seconds, (kind, over) in product(scale.poll_seconds, deployments(scale, there))
            for line in _told(kind, over, scale, poll_seconds)
        ]


def deployments(scale: Scale, there: Sequence[Over]) -> list[tuple[str, Over]]:
    """Database and broker: the process's own queue on each database, others where rivals share them."""
    return [
        (kind, over)
        for over in there
        for kind in (scale.kinds if over.broker == brokers.MEMORY else scale.kinds[-1:])
    ]


def _told(kind: str, over: Over, scale: Scale, poll_seconds: float) -> list[Line]:
    told = measure(kind, scale, poll_seconds, over)
    where = kind if over.broker == brokers.MEMORY else f"{kind}, {over.broker}"
    return [
        Line(
            what=f"visible to accepted, poll {poll_seconds:g} s, {name}, {where}",
            ours=told.ours[name],
            unit="s",
            beside="bare loop",
            theirs=told.bare[name],
            target=_target(name, poll_seconds),
        )
        for name in ("p50", "p99")
    ]


def _target(name: str, poll_seconds: float) -> Target | None:
    """The goal is p99 as production polls; the rest shows what lies beneath the waiting for a poll."""
    if name != "p99" or poll_seconds != PRODUCTION_POLL_SECONDS:
        return None
    return Target(of="ratio", bound=1.25, at_most=True)


def measure(kind: str, scale: Scale, poll_seconds: float, over: Over) -> Told:
    """Both sides in turn on one network; ours on a fresh database of this kind, over this broker."""
    half = WARM_UP + scale.alerts
    with (
        TemporaryDirectory(prefix=chain.PREFIX) as folder,
        chain.fresh_url(scale.postgres, kind) as url,
        sink.running() as mail,
        running(_options(Path(folder), streams=2 * half)) as network,
        watcher.watching(network) as seen,
    ):
        stage = _Stage(network, mail, seen, scale.pause_seconds)
        _await(lambda: seen.events >= 2 * half, "the streams to be created")
        work = bare.Work(
            rpc_url=network.rpc_url,
            contract_id=network.contract_id,
            start_ledger=network.first_ledger,
            poll_seconds=poll_seconds,
            smtp_port=mail.port,
            addresses=stage.addresses,
        )
        with bare.telling(work):
            theirs = stage.seconds(range(half))
        with deployed.pausewire(
            network,
            Path(folder),
            back_end={"PAUSEWIRE_DATABASE__URL": url, **over.settings},
            smtp_port=mail.port,
            poll_seconds=poll_seconds,
            addresses=stage.addresses,
        ):
            ours = stage.seconds(range(half, 2 * half))
    return Told(percentiles(ours), percentiles(theirs))


class _Stage:
    """The network's people, paused one after the other."""

    def __init__(
        self,
        network: SimulatedNetwork,
        mail: sink.Sink,
        seen: watcher.Watcher,
        pause_seconds: float,
    ) -> None:
        employees = network.cast.employees
        self.addresses = {who: f"p{number}@example.test" for number, who in enumerate(employees)}
        self._network = network
        self._mail = mail
        self._seen = seen
        self._pause_seconds = pause_seconds
        self._dice = random.Random(1)

    def seconds(self, people: range) -> list[float]:
        """Pause these people's streams; how long each took to be told, but for those of the warm-up."""
        warm_up, measured = people[:WARM_UP], people[WARM_UP:]
        for some in (warm_up, measured):
            for number in some:
                self._pause(number)
            _await(partial(self._all_told, some), f"{len(some)} mails")
        taken = self._mail.taken()
        return [
            taken[f"p{number}@example.test"] - self._seen.paused_at[number + 1]
            for number in measured
        ]

    def _pause(self, number: int) -> None:
        """Pause the stream of an employee by place in the cast; the streams' ids begin at 1."""
        employer = self._network.cast.employer_of(number)
        self._network.submit(Call("pause_stream", (employer, number + 1)))
        # Irregular, or the beat of the pauses and that of the polls would fall into step.
        time.sleep(self._pause_seconds * self._dice.uniform(0.5, 1.5))

    def _all_told(self, people: range) -> bool:
        return self._mail.taken().keys() >= {f"p{number}@example.test" for number in people}


def _options(folder: Path, *, streams: int) -> SimulatorOptions:
    return SimulatorOptions(
        state_dir=folder / "simulator",
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        streams=streams,
        ledger_seconds=LEDGER_SECONDS,
        scenario="quiet",
    )


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {_MOST_SECONDS} s in vain for {what}")
        time.sleep(_LOOK_SECONDS)
