"""Killed at any point between two providers, no letter is taken twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import select, update

from notifier.schema import delivery
from store.engine import Database
from tests.fakes.delivering import LEASE_SECONDS
from tests.fakes.planned import plan_many

LETTERS = 4
ROOT = Path(__file__).parents[2]


def run(database: Database, taken: Path, kill: str | None = None) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if kill is not None:
        environment["PAUSEWIRE_TEST_KILL_AT"] = kill
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakes.delivering", str(database.url), str(taken)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


@pytest.mark.parametrize(
    ("point", "hits"),
    [
        ("after_queue", 1),  # all letters are queued at once: there is no third time
        *product(("after_claim", "after_handoff", "after_send", "after_result"), (1, 3)),
    ],
)
def test_a_kill_between_two_providers_doubles_no_letter(
    sqlite_database: Database, tmp_path: Path, point: str, hits: int
) -> None:
    taken = tmp_path / "taken"
    with sqlite_database.begin() as conn:
        planned = plan_many(conn, [f"p{n}@example.test" for n in range(LETTERS)])
    assert run(sqlite_database, taken, f"{point}:{hits}") == -signal.SIGKILL
    lease = int(LEASE_SECONDS * 1_000_000)
    with sqlite_database.begin() as conn:
        conn.execute(update(delivery).values(lease_until=delivery.c.lease_until - 40 * lease))
        conn.execute(
            update(delivery).where(delivery.c.state == "retry_wait").values(available_at=1)
        )
    run(sqlite_database, taken)
    lines = Counter(taken.read_text().split())
    with sqlite_database.read() as conn:
        states = {
            row[0]: row[1] for row in conn.execute(select(delivery.c.delivery_id, delivery.c.state))
        }
    assert max(lines.values()) == 1
    for each in planned:
        assert states[each] in ("accepted", "unknown")
        if states[each] == "accepted":
            assert lines[str(each)] == 1
    in_doubt = point in ("after_handoff", "after_send")
    assert ("unknown" in states.values()) is in_doubt
