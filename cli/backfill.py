"""`pausewire backfill`: have a range of ledgers scanned, now or again, and wait for it.

The range becomes one job per contract, which the leader works off between live pages.
"""

from contextlib import closing
from typing import Annotated

import typer
from sqlalchemy import Connection

from cli.job_runs import asked_for, follower, work_off
from cli.output import Json, refuse
from cli.sandbox import as_followed
from cli.wiring import deployment
from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.jobs import Job
from ingest.sources import passed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill)


def backfill(
    from_ledger: Annotated[int, typer.Option("--from", min=1, help="First ledger.")],
    to_ledger: Annotated[int, typer.Option("--to", min=1, help="Last ledger, included.")],
    contract: Annotated[
        str | None, typer.Option(help="Only this contract; default: every configured one.")
    ] = None,
    whole_ledgers: Annotated[
        bool,
        typer.Option(
            "--whole-ledgers", help="Read whole ledgers, and name what getEvents had left out."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Scan a range of ledgers; what is known already changes nothing, what is new takes its place.

    With --whole-ledgers no index of events is believed; `completeness` then calls the range confirmed.
    Stopped early, the jobs stay and the leader goes on; the same command joins them again.
    """
    here = as_followed(deployment())
    ledgers = LedgerRange(from_ledger, to_ledger)
    kind = jobs.CONFIRM if whole_ledgers else jobs.BACKFILL
    with closing(here.migrated_database()) as database:
        follow = follower(here, database)
        with database.begin() as conn:
            requested = [
                _request(conn, kind, contract_id, ledgers)
                for contract_id in asked_for(here, conn, contract)
            ]
        work_off(database, follow, requested, title="Backfill", as_json=json)


def _request(conn: Connection, kind: str, contract_id: str, ledgers: LedgerRange) -> Job:
    reached = passed(conn, contract_id)
    if reached is not None and ledgers.to_ledger > reached:
        refuse(
            f"live following has come to ledger {reached} and scans what comes after by itself:"
            f" give --to {reached} or lower"
        )
    return jobs.join(conn, kind=kind, contract_id=contract_id, ledgers=ledgers)
