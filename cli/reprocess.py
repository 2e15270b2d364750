"""`pausewire reprocess`: have stored evidence read again, by today's profiles, and wait for it.

One job per contract, which the leader works off between live pages; no RPC is asked for events.
"""

from contextlib import closing
from typing import Annotated

import typer
from sqlalchemy import Connection

from cli.contract_list import contracts_of
from cli.job_runs import asked_for, follower, work_off
from cli.output import Json, refuse, show_json
from cli.sandbox import as_followed
from cli.wiring import deployment
from ingest import jobs
from ingest.certificate import quarantined
from ingest.coverage import LedgerRange
from ingest.cursors import FIRST_LEDGER, LAST_LEDGER
from ingest.jobs import Job
from ingest.profiles.loader import load_profile
from ingest.stored import last_kept_ledger

_NOTHING = "nothing to read again: no evidence of these contracts is in quarantine"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reprocess")(reprocess)


def reprocess(
    everything: Annotated[
        bool, typer.Option("--all", help="All evidence, not only what is in quarantine.")
    ] = False,
    contract: Annotated[
        str | None, typer.Option(help="Only this contract; default: every configured one.")
    ] = None,
    from_ledger: Annotated[int, typer.Option("--from", min=1, help="First ledger.")] = FIRST_LEDGER,
    to_ledger: Annotated[
        int, typer.Option("--to", min=1, max=LAST_LEDGER, help="Last ledger, included.")
    ] = LAST_LEDGER,
    json: Json = False,
) -> None:
    """Read stored events again: what is understood now takes its place, nobody is told twice.

    An applied event keeps its fact; one that would read otherwise is named by `pausewire completeness`.
    """
    if from_ledger > to_ledger:
        refuse(f"--from {from_ledger} is behind --to {to_ledger}: give the lower ledger first")
    here = as_followed(deployment())
    ledgers = LedgerRange(from_ledger, to_ledger)
    with closing(here.migrated_database()) as database:
        follow = follower(here, database)
        kind = jobs.REPROCESS_ALL if everything else jobs.REPROCESS
        with database.begin() as conn:
            labels = {
                each.id: load_profile(each.profile).label for each in contracts_of(here, conn)
            }
            wanted = [
                _request(conn, kind, contract_id, ledgers, labels[contract_id])
                for contract_id in asked_for(here, conn, contract)
            ]
        requested = [job for job in wanted if job is not None]
        if requested:
            work_off(database, follow, requested, title="Read again", as_json=json)
        elif json:
            show_json({"jobs": [], "done": True})
        else:
            print(_NOTHING if kind == jobs.REPROCESS else "nothing to read again: no evidence")


def _request(
    conn: Connection, kind: str, contract_id: str, ledgers: LedgerRange, label: str
) -> Job | None:
    """The job for what is in evidence of a range; None where there is nothing to do."""
    last = last_kept_ledger(conn, contract_id, ledgers)
    if last is None or (kind == jobs.REPROCESS and not quarantined(conn, contract_id, ledgers)):
        return None
    kept = LedgerRange(ledgers.from_ledger, last)
    return jobs.join(conn, kind=kind, contract_id=contract_id, ledgers=kept, profile=label)
