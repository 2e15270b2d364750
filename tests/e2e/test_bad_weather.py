"""A database that cannot be written to, an RPC that fails in every way: wait, stay alive, miss nothing."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from simulator.faults import Fault
from tests.e2e.harness import BackEnd, Process, Site, site, until
from tests.e2e.story import Story

pytestmark = pytest.mark.e2e

_LOCKED_SECONDS = 8  # longer than one statement waits for the lock (5 s)
_MOST_BYTES = 100_000  # less than the tables take, more than a log says


@contextmanager
def at_work(here: Site) -> Iterator[tuple[Process, Process, Story]]:
    """Both processes, with some events behind them; at the end all is told and they stop well."""
    here.import_people()
    index, notify = here.start("index"), here.start("notify")
    story = Story(here)
    until(lambda: story.go_on() or here.standing().settled > 20, seconds=60, what="first letters")
    yield index, notify, story
    story.go_on_for(2)
    here.settle()
    here.assert_nothing_lost_or_doubled()
    index.stop()
    notify.stop()


def test_a_locked_database_is_waited_out(tmp_path: Path, sqlite_memory: BackEnd) -> None:
    with site(tmp_path, sqlite_memory) as here, at_work(here) as (index, notify, story):
        with closing(sqlite3.connect(tmp_path / "pausewire.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            story.go_on_for(_LOCKED_SECONDS)
            until(
                lambda: story.go_on() or "DatabaseLocked" in index.log,
                seconds=90,
                what="index to meet the lock",
            )
            other.execute("ROLLBACK")
        # Whether notify meets it hangs on what it had left to do: nothing new is recorded meanwhile.
        assert index.is_alive()
        assert notify.is_alive()


def test_a_full_disk_is_waited_out(tmp_path: Path, sqlite_memory: BackEnd) -> None:
    """The kernel refuses to let the files grow, and SQLite meets the same error as on a full disk."""
    with site(tmp_path, sqlite_memory) as here, at_work(here) as (index, notify, story):
        for process in (index, notify):
            _limit_files(process, _MOST_BYTES)
        for process in (index, notify):
            until(
                lambda log=process: story.go_on() or "DiskFull" in log.log,
                seconds=90,
                what=f"{process.name} to meet the end of the disk",
            )
        story.go_on_for(2)
        for process in (index, notify):
            assert process.is_alive()
            _limit_files(process, resource.RLIM_INFINITY)


def test_an_rpc_that_fails_in_every_way_costs_no_event(
    tmp_path: Path, sqlite_memory: BackEnd
) -> None:
    faults = tmp_path / "faults.yaml"
    rates = "".join(f"\n  {fault}: 0.04" for fault in Fault)
    faults.write_text(f"seed: 7\nretry_after_seconds: 1\nrates:{rates}\n")
    with (
        site(tmp_path, sqlite_memory, faults=faults) as here,
        at_work(here) as (index, _, story),
    ):
        story.go_on_for(5)
        assert "following_delayed" in index.log


def _limit_files(process: Process, size: int) -> None:
    _, most = resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (size, most))
