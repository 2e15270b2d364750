"""`pausewire completeness`: did we see everything? The certificate, or the gaps by name."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from cli import reconciled
from cli.contract_list import contracts_of
from cli.output import FAILED, Json, refuse, show_json
from cli.sandbox import as_followed
from cli.times import when_seconds
from cli.wiring import Deployment, deployment
from ingest.certificate import STORAGE, Certificate, Gap, certify, followed
from ingest.coverage import LedgerRange

FromLedger = Annotated[
    int | None, typer.Option("--from", min=1, help="First ledger; default: the first one wanted.")
]
ToLedger = Annotated[
    int | None, typer.Option("--to", min=1, help="Last ledger; default: the last one scanned.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("completeness")(completeness)


def completeness(
    from_ledger: FromLedger = None, to_ledger: ToLedger = None, json: Json = False
) -> None:
    """Per contract: every ledger of the range was wholly scanned, or which were not; then exit 1."""
    if from_ledger is not None and to_ledger is not None and from_ledger > to_ledger:
        refuse(f"--from {from_ledger} is behind --to {to_ledger}: give the lower ledger first")
    here = as_followed(deployment())
    with closing(here.migrated_database()) as database, database.read() as conn:
        found = [
            certify(conn, here.network, contract_id, from_ledger=first, to_ledger=to_ledger)
            for contract_id, first in _wanted(conn, here, from_ledger, to_ledger)
        ]
    complete = bool(found) and all(each.complete for each in found)
    if json:
        show_json({"contracts": [_as_json(each) for each in found], "complete": complete})
    else:
        _tell(found)
    if not complete:
        raise typer.Exit(FAILED)


def _wanted(
    conn: Connection, here: Deployment, from_ledger: int | None, to_ledger: int | None
) -> list[tuple[str, int | None]]:
    """Configured contracts and those followed until now, each with the first ledger wanted of it.

    A contract that is to begin behind `to_ledger` has nothing to show before its beginning.
    """
    starts = {each.id: each.start_ledger for each in contracts_of(here, conn)}
    ids = dict.fromkeys((*starts, *followed(conn)))
    if from_ledger is not None:
        return [(contract_id, from_ledger) for contract_id in ids]
    wanted = ((contract_id, starts.get(contract_id)) for contract_id in ids)
    return [
        (contract_id, start)
        for contract_id, start in wanted
        if start is None or to_ledger is None or start <= to_ledger
    ]


def _as_json(found: Certificate) -> dict[str, Any]:
    """One contract."""
    return {
        "contract_id": found.contract_id,
        "from_ledger": found.ledgers and found.ledgers.from_ledger,
        "to_ledger": found.ledgers and found.ledgers.to_ledger,
        "complete": found.complete,
        "gaps": [
            {
                "from_ledger": gap.from_ledger,
                "to_ledger": gap.to_ledger,
                "since": when_seconds(gap.since),
                "healed_by": gap.healed_by,
            }
            for gap in found.gaps
        ],
        "quarantined": found.quarantined,
        "profile_conflicts": [
            {"event_id": each.event_id, "profile": each.profile, "reading": each.reading}
            for each in found.conflicts
        ],
        "confirmed_by_whole_ledgers": [each._asdict() for each in found.confirmed],
        **reconciled.as_json(found.reconciled),
    }


def _tell(found: Sequence[Certificate]) -> None:
    if not found:
        print("no contract is followed: set network.contracts and start `pausewire index`")
    for each in found:
        if each.ledgers is None:
            print(f"NOT complete  {each.contract_id}  nothing was scanned yet")
            continue
        _tell_one(each, each.ledgers)


def _tell_one(each: Certificate, ledgers: LedgerRange) -> None:
    verdict = "complete    " if each.complete else "NOT complete"
    first, last = ledgers
    print(f"{verdict}  {each.contract_id}  ledgers {first} to {last}")
    for gap in each.gaps:
        print(f"  {_gap(gap)}")
    if each.quarantined:
        print(f"  {each.quarantined} events in quarantine: kept, not understood")
    for conflict in each.conflicts:
        print(f"  event {conflict.event_id}: {conflict.profile} reads {conflict.reading}")
    for low, high in each.confirmed:
        print(f"  ledgers {low} to {high}: confirmed by whole ledgers")
    for line in reconciled.in_words(each.reconciled):
        print(f"  {line}")


def _gap(gap: Gap) -> str:
    ledgers = f"ledgers {gap.from_ledger} to {gap.to_ledger}"
    if gap.since is None:
        return f"{ledgers}: never scanned"
    since = f"missed, noticed at {when_seconds(gap.since)}"
    if gap.healed_by == STORAGE:
        return f"{ledgers}: {since}; pauses known from storage, events not"
    state = "open" if gap.healed_by is None else f"filled by {gap.healed_by}"
    return f"{ledgers}: {since}, {state}"
