"""Jobs that a command asks for: wait until the leader has worked them off, show how far, say what came.

This process follows, too: it stands by while another leads, and takes the lease and does the work where
nobody does. Stopped early, the jobs stay and the leader goes on; the same command joins them again.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBar
from sqlalchemy import Connection

from cli.contract_list import contracts_of
from cli.indexing import follow_role
from cli.output import FAILED, refuse, show_json, show_rows
from cli.roles import Role, Roles, stop_on_signals
from cli.wiring import Deployment
from ingest import jobs
from ingest.errors import ProfileInvalid
from ingest.jobs import Job, Progress
from store.engine import Database
from store.errors import Transient

_POLL_SECONDS = 0.25
_SHOWN = 120


class _Show(Protocol):
    def __call__(self, standing: Sequence[Progress]) -> None: ...


def follower(here: Deployment, database: Database) -> Role:
    """Following, as this command does it meanwhile; refuses where a profile does not read."""
    try:
        return follow_role(here, database)
    except ProfileInvalid as error:
        refuse(str(error))


def work_off(
    database: Database, follow: Role, requested: Sequence[Job], *, title: str, as_json: bool
) -> None:
    """Wait for the jobs and tell how they ended; exit 1 where one did not end well."""
    standing, ended_well = _run(database, follow, requested, quiet=as_json)
    _tell(standing, title, as_json=as_json)
    if not ended_well or any(each.state != jobs.DONE for each in standing):
        raise typer.Exit(FAILED)


def asked_for(here: Deployment, conn: Connection, only: str | None) -> list[str]:
    """The contracts that are followed, or the one named, which must be one of them."""
    configured = [each.id for each in contracts_of(here, conn)]
    if only is None:
        return configured
    if only not in configured:
        refuse(f"{only} is not followed: `pausewire contracts add` it, with its profile")
    return [only]


def _run(
    database: Database, follow: Role, requested: Sequence[Job], *, quiet: bool
) -> tuple[list[Progress], bool]:
    """Follow until the jobs have ended or we are told to stop; whether following ended as told."""
    with stop_on_signals() as stop:
        running = Roles([follow], stop)
        running.start()
        try:
            standing = _wait(database, requested, stop, quiet=quiet)
        finally:
            stop.set()
            ended_well = running.join()
    return standing, ended_well


def _wait(
    database: Database, requested: Sequence[Job], stop: threading.Event, *, quiet: bool
) -> list[Progress]:
    """How the jobs stand when all have ended, or when we are told to stop."""
    standing: list[Progress] = []
    with _bar(requested, quiet=quiet) as show:
        while True:
            try:
                with database.read() as conn:
                    standing = jobs.progress(conn, requested)
            except Transient:
                if stop.wait(_POLL_SECONDS) and standing:
                    return standing
                continue
            show(standing)
            if all(each.ended for each in standing) or stop.wait(_POLL_SECONDS):
                return standing


@contextmanager
def _bar(requested: Sequence[Job], *, quiet: bool) -> Iterator[_Show]:
    """A bar over the ledgers of all jobs, on a terminal only."""
    total = sum(job.ledgers.to_ledger - job.ledgers.from_ledger + 1 for job in requested)
    with ProgressBar(
        disable=quiet or not sys.stderr.isatty(), transient=True, console=Console(stderr=True)
    ) as bar:
        task = bar.add_task("ledgers", total=total)

        def show(standing: Sequence[Progress]) -> None:
            scanned = sum(_scanned(each) for each in standing)
            found = sum(each.events_found for each in standing)
            bar.update(task, completed=scanned, description=_description(found, standing))

        yield show


def _description(found: int, standing: Sequence[Progress]) -> str:
    """New events so far, and where they are read from, or what is waited for."""
    open_ones = [each for each in standing if not each.ended]
    waiting = [each.reason for each in open_ones if each.reason]
    if waiting:
        return f"{found} new events, waiting: {waiting[0][:_SHOWN]}"
    told_by = [each.told_by.rpartition(", ")[2] for each in open_ones if each.told_by]
    return f"{found} new events from {told_by[0]}" if told_by else f"{found} new events"


def _scanned(standing: Progress) -> int:
    return standing.scanned_to - standing.job.ledgers.from_ledger + 1


def _tell(standing: Sequence[Progress], title: str, *, as_json: bool) -> None:
    if as_json:
        done = all(each.state == jobs.DONE for each in standing)
        show_json({"jobs": [_as_json(each) for each in standing], "done": done})
        return
    rows = [
        (
            each.job.contract_id,
            f"{each.job.ledgers.from_ledger} to {each.job.ledgers.to_ledger}",
            each.scanned_to,
            each.state,
            each.events_found,
            each.told_by,
            each.reason,
        )
        for each in standing
    ]
    columns = ("contract", "ledgers", "done to", "state", "new events", "read from", "reason")
    show_rows(title, columns, rows)
    if not all(each.ended for each in standing):
        print("stopped; the jobs stay, and the same command joins them again")


def _as_json(standing: Progress) -> dict[str, Any]:
    return {
        "job": standing.job.id,
        "contract_id": standing.job.contract_id,
        "from_ledger": standing.job.ledgers.from_ledger,
        "to_ledger": standing.job.ledgers.to_ledger,
        "scanned_to_ledger": standing.scanned_to,
        "state": standing.state,
        "events_found": standing.events_found,
        "told_by": standing.told_by,
        "reason": standing.reason,
    }
