"""How a simulated network is to be."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.catchers.moods import MoodPlan
from simulator.faults import FaultPlan
from simulator.ledger import NETWORK_RULES, Rules


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """How the network is to be. Ports: 0 = any free one. `events`: see `scenario.SCENARIOS`.

    `nodes`: how many RPC nodes serve the chain, the first on `rpc_port`, each further one
    `PORTS_APART` higher. `faults`: a file, or the plan itself. `on_reset`: what a reset that is asked
    for over HTTP does, given the scenario to begin with; None: the chain alone begins anew.
    `moods`: bad days of the catchers; None: none.
    `words_url`: a page that shows how each kind of message reads, linked from the catchers' page.
    """

    state_dir: Path
    host: str = "127.0.0.1"
    rpc_port: int = 8100
    web_port: int = 8101
    smtp_port: int = 1025
    streams: int = 8
    seed: int = 1
    ledger_seconds: float = 5.0
    scenario: str = "steady"
    events: int | None = None
    faults: Path | FaultPlan | None = None
    moods: MoodPlan | None = None
    nodes: int = 1
    retention_ledgers: int = 120_960
    max_page: int = 10_000
    rules: Rules = NETWORK_RULES
    lake: Path | None = None
    on_reset: Callable[[str], None] | None = None
    words_url: str | None = None
    passphrase: str = "Pausewire Simulated Network ; 2026"  # noqa: S105 - a network's public name
