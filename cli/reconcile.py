"""`pausewire reconcile`: is our record what the contracts themselves keep? And with --heal: make it so.

Without --heal nothing is recorded but the result, and nobody has to lead. Healing is a job of the leader;
as `backfill` does, this process follows beside it and does the work where nobody leads.
"""

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBar

from cli import reconciled
from cli.asking import ask, endpoints
from cli.contract_profiles import profiles_of
from cli.indexing import follow_role
from cli.output import FAILED, Json, refuse, show_json
from cli.roles import Roles, stop_on_signals
from cli.sandbox import as_followed
from cli.wiring import Deployment, deployment
from ingest import jobs
from ingest.errors import ProfileInvalid
from ingest.jobs import Job, Progress
from ingest.profiles.shapes import Profile
from ingest.reconcile import report
from ingest.reconcile.comparing import Comparer
from ingest.reconcile.report import Reconciled, Tally
from ingest.reconcile.requests import BY_HAND, join
from ingest.reconcile.survey import Survey
from store.engine import Database
from store.errors import Transient

_POLL_SECONDS = 0.25
_PAUSE_SECONDS = 2.0


class _Show(Protocol):
    def __call__(self, done: int, total: int) -> None: ...


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reconcile")(reconcile)


def reconcile(
    heal: Annotated[
        bool, typer.Option("--heal", help="Record what storage tells and no event did.")
    ] = False,
    contract: Annotated[
        str | None, typer.Option(help="Only this contract; default: every configured one.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare our record with each contract's storage; exit 1 for differences and what nobody can tell."""
    here = as_followed(deployment())
    try:
        profiles = profiles_of(here)
    except ProfileInvalid as error:
        refuse(str(error))
    if contract is not None and contract not in profiles:
        refuse(f"{contract} is not followed: add it to network.contracts, with its profile")
    wanted = list(profiles) if contract is None else [contract]
    well = True
    with closing(here.migrated_database()) as database:
        if heal:
            well = _heal(here, database, wanted, quiet=json)
        else:
            ask(_compare(here, database, {each: profiles[each] for each in wanted}, quiet=json))
        with database.read() as conn:
            found = {each: report.last(conn, each) for each in wanted}
    _tell(found, as_json=json)
    if not well or not found or not all(map(reconciled.is_equal, found.values())):
        raise typer.Exit(FAILED)


async def _compare(
    here: Deployment, database: Database, profiles: dict[str, Profile], *, quiet: bool
) -> None:
    """Compare here and now; the result is kept. Raises IngestError."""
    async with endpoints(here.settings) as rpc:
        await rpc.check_network(here.settings.network.passphrase)
        for contract_id, profile in profiles.items():
            comparer = Comparer(here.network, contract_id, profile)
            survey = Survey(database, rpc, comparer, pause_seconds=_PAUSE_SECONDS)
            tally = Tally()
            with _bar(quiet=quiet) as show:
                async for batch in survey.batches():
                    tally.add(batch, batch.findings)
                    show(tally.compared, survey.streams)
            await asyncio.to_thread(_keep, database, contract_id, tally)


def _keep(database: Database, contract_id: str, tally: Tally) -> None:
    with database.begin() as conn:
        report.keep(conn, contract_id, tally)


def _heal(here: Deployment, database: Database, wanted: Sequence[str], *, quiet: bool) -> bool:
    """Have the leader do it, or lead; whether all was done."""
    with database.begin() as conn:
        requested = [join(conn, kind=BY_HAND, contract_id=each) for each in wanted]
    with stop_on_signals() as stop:
        running = Roles([follow_role(here, database)], stop)
        running.start()
        try:
            standing = _wait(database, requested, stop, quiet=quiet)
        finally:
            stop.set()
            ended_well = running.join()
    for each in standing:
        if each.state != jobs.DONE:
            reason = each.reason or "stopped; the job stays, and the same command joins it again"
            print(f"{each.job.contract_id}: {reason}", file=sys.stderr)
    return ended_well and all(each.state == jobs.DONE for each in standing)


def _wait(
    database: Database, requested: Sequence[Job], stop: threading.Event, *, quiet: bool
) -> list[Progress]:
    """How the jobs stand when all have ended, or when we are told to stop."""
    standing: list[Progress] = []
    with _bar(quiet=quiet) as show:
        while not stop.wait(_POLL_SECONDS):
            try:
                with database.read() as conn:
                    standing = jobs.progress(conn, requested)
                    ways = [report.under_way(conn, job.contract_id) for job in requested]
            except Transient:
                continue
            show(*(sum(way[at] for way in ways if way is not None) for at in (0, 1)))
            if all(each.ended for each in standing):
                break
    return standing


@contextmanager
def _bar(*, quiet: bool) -> Iterator[_Show]:
    """A bar over the streams, on a terminal only."""
    with ProgressBar(
        disable=quiet or not sys.stderr.isatty(), transient=True, console=Console(stderr=True)
    ) as bar:
        task = bar.add_task("streams compared", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield show


def _tell(found: dict[str, Reconciled | None], *, as_json: bool) -> None:
    if as_json:
        equal = bool(found) and all(map(reconciled.is_equal, found.values()))
        contracts = [
            {"contract_id": contract_id, **reconciled.as_json(each)}
            for contract_id, each in found.items()
        ]
        show_json({"contracts": contracts, "equal": equal})
        return
    if not found:
        print("no contract is followed: set network.contracts and start `pausewire index`")
    for contract_id, each in found.items():
        print(contract_id)
        for line in reconciled.in_words(each):
            print(f"  {line}")
