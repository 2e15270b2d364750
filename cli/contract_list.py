"""`pausewire contracts add|remove|list`: who is followed, changed while the indexers run."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from cli.output import FAILED, Json, refuse, show_json, show_rows
from cli.sandbox import as_followed
from cli.wiring import Deployment, deployment
from config.contract_settings import ContractSettings
from domain.values import contract_id
from ingest import followed
from ingest.errors import ProfileInvalid
from ingest.followed import Followed
from ingest.profiles.loader import load_profile
from ingest.sources import passed

ContractId = Annotated[str, typer.Argument(metavar="ID", help="The contract, `C…`.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group `contracts`."""
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("list")(list_)


def contracts_of(here: Deployment, conn: Connection) -> tuple[ContractSettings, ...]:
    """All that are followed: those of the settings, and those added since."""
    named = here.settings.network.contracts
    known = {contract.id for contract in named}
    added = (
        ContractSettings(id=each.contract_id, profile=each.profile, start_ledger=each.start_ledger)
        for each in followed.added(conn)
        if each.contract_id not in known
    )
    return (*named, *added)


def add(
    contract: ContractId,
    profile: Annotated[str, typer.Option(help="How its events read.")] = "paystream",
    start_ledger: Annotated[
        int | None, typer.Option("--start-ledger", min=1, help="Default: the RPC's oldest.")
    ] = None,
    json: Json = False,
) -> None:
    """Follow a contract from now on; the active indexer takes it up within seconds."""
    here = as_followed(deployment())
    contract_id(contract, "ID")
    try:
        load_profile(profile)
    except ProfileInvalid as error:
        refuse(str(error))
    if contract in _named(here):
        refuse(f"{contract} is in network.contracts already")
    with here.migrated_database().begin() as conn:
        if not followed.add(conn, Followed(contract, profile, start_ledger)):
            refuse(f"{contract} is followed already: remove it first to change it", code=FAILED)
    _tell(f"{contract} is followed with profile {profile}", contract, as_json=json)


def remove(contract: ContractId, json: Json = False) -> None:
    """Follow an added contract no longer; what was recorded of it stays."""
    here = as_followed(deployment())
    contract_id(contract, "ID")
    if contract in _named(here):
        refuse(f"{contract} is in network.contracts: take it out there, restart the indexers")
    with here.migrated_database().begin() as conn:
        if not followed.remove(conn, contract):
            refuse(f"{contract} is not followed: `pausewire contracts list`", code=FAILED)
    _tell(f"{contract} is followed no longer", contract, as_json=json)


def list_(json: Json = False) -> None:
    """Who is followed, how far, and whether the settings or `contracts add` named it."""
    here = as_followed(deployment())
    with here.migrated_database().read() as conn:
        rows = list(_rows(here, conn))
    if json:
        show_json(rows)
    else:
        heads = ("contract", "profile", "from ledger", "followed to", "named by")
        show_rows("Contracts", heads, [tuple(row.values()) for row in rows])


def _rows(here: Deployment, conn: Connection) -> Iterator[dict[str, Any]]:
    named = _named(here)
    for contract in contracts_of(here, conn):
        yield {
            "contract_id": contract.id,
            "profile": contract.profile,
            "start_ledger": contract.start_ledger,
            "followed_to_ledger": passed(conn, contract.id),
            "named_by": "settings" if contract.id in named else "contracts add",
        }


def _named(here: Deployment) -> set[str]:
    return {contract.id for contract in here.settings.network.contracts}


def _tell(text: str, contract: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"contract_id": contract, "done": True})
    else:
        print(text)
