"""Outages x faults x sources, from seeds: whatever happens, the certificate is true or names the gap.

Each run is a chain of its own, nodes over HTTP, and the index role as `pausewire index` wires it; what
happens is drawn (matrix/drawn.py). `PAUSEWIRE_TEST_MATRIX=first:count` runs other seeds than the long
test's own.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import structlog

from ingest import backoff, endpoint_proof, endpoint_report, endpoints, healing, pin_keeper
from tests.e2e.matrix.drawn import ODD_FROM, TWO_FACED_FROM, draw
from tests.e2e.matrix.run import Outcome, run
from tests.e2e.matrix.world import Servers, served

pytestmark = pytest.mark.e2e

VARIABLE = "PAUSEWIRE_TEST_MATRIX"
_MANY = "1000:2000"
_AT_ONCE = 10
# Seeds that found something, and what.
FOUND = {
    0: "a fork was believed whose window held no ledger that it could be proven by",
    7: "a node that answers nothing, for ever, at the edge of its window: following stood still",
    9: "of a gap that had left every window in part, nothing was filled",
    1370: "a pinned ledger left the window while it was asked for: the indexer ended",
    39: "after a reset a page of the new chain was recorded before anybody noticed",
    56: "the same, and the endpoint's own ledgers were not proven anew",
    3229: "a reset at the same height: the node alone pinned its new chain and was believed",
    2547: "a node expelled for its fork was believed again, once no ledger was left to prove it by",
    2873: "the same: a gap was healed with the fork's ledgers, and certified",
    16: "a cursor moved beyond the newest ledger of a node with fewer ledgers than the margin",
}


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the real code, a twentieth as long; no log."""
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(backoff, "MOST_SECONDS", 0.3)
    monkeypatch.setattr(healing, "FIRST_WAIT_SECONDS", 1)
    monkeypatch.setattr(pin_keeper, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(pin_keeper, "PROVE_EVERY_SECONDS", 0.5)
    monkeypatch.setattr(endpoint_report, "REPORT_SECONDS", 0.5)
    monkeypatch.setattr(endpoints, "LOOK_SECONDS", 1.0)
    monkeypatch.setattr(endpoint_proof, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(endpoints, "NEWS_LEDGERS", 0)  # no page is so urgent that it is not proven


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with served() as opened:
        yield opened


QUICK = (
    *FOUND,
    *range(1, 5),
    *range(ODD_FROM, ODD_FROM + 6),
    *range(TWO_FACED_FROM + 3, TWO_FACED_FROM + 8),
)


@pytest.mark.parametrize("seed", QUICK)
def test_the_certificate_is_true_or_names_the_gap(
    seed: int, tmp_path: Path, sqlite_template: Path, servers: Servers
) -> None:
    outcome = run(seed, tmp_path / "run", sqlite_template, servers)
    assert outcome.faults == [], draw(seed)


@pytest.mark.long
def test_in_thousands_of_runs(tmp_path: Path, sqlite_template: Path, servers: Servers) -> None:
    first, _, count = os.environ.get(VARIABLE, _MANY).partition(":")
    seeds = range(int(first), int(first) + int(count))
    one = partial(_one, tmp_path, sqlite_template, servers)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wrong = [outcome for outcome in pool.map(one, seeds) if outcome.faults]
    assert not wrong, "\n".join(map(str, wrong))


def _one(folder: Path, template: Path, servers: Servers, seed: int) -> Outcome:
    return run(seed, folder / str(seed), template, servers)
