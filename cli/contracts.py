"""`pausewire contracts`; `check`: whether a contract is what its profile expects, on this network."""

from contextlib import closing
from typing import Annotated

import typer

from cli import contract_list
from cli.asking import ask, endpoints
from cli.events import named_profile
from cli.output import FAILED, Json, show_json, show_rows
from cli.sandbox import as_followed
from cli.wiring import Deployment, deployment
from domain.values import contract_id
from ingest.contract_check import examine
from ingest.instance import Instance, fetch_instances
from ingest.rpc import Health
from ingest.sources import passed


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="The contracts that are, or may be, followed.")
    group.command("check")(check)
    contract_list.register(group)
    app.add_typer(group, name="contracts")


def check(
    contract: Annotated[str, typer.Argument(metavar="ID", help="The contract, `C…`.")],
    profile: Annotated[
        str | None, typer.Option(help="Default: the configured one, else paystream.")
    ] = None,
    start_ledger: Annotated[
        int | None, typer.Option("--start-ledger", min=1, help="Default: the configured one.")
    ] = None,
    json: Json = False,
) -> None:
    """Look the contract up on the network; exit 1 when following it would not work as expected."""
    here = as_followed(deployment())
    contract_id(contract, "ID")
    expected = named_profile(here, contract, profile)
    health, instance = ask(_look_up(here, contract))
    found = examine(
        instance,
        expected,
        here.settings.network.passphrase,
        start=start_ledger or _configured_start(here, contract),
        health=health,
        followed_to=_followed_to(here, contract),
    )
    ok = all(finding.ok for finding in found)
    if json:
        wasm = instance and instance.wasm
        findings = [finding._asdict() for finding in found]
        show_json({"contract_id": contract, "wasm": wasm, "ok": ok, "findings": findings})
    else:
        rows = [("ok" if each.ok else "FAILED", each.check, each.detail) for each in found]
        show_rows(f"Contract {contract}", ("", "check", "seen"), rows)
    if not ok:
        raise typer.Exit(FAILED)


async def _look_up(here: Deployment, contract: str) -> tuple[Health, Instance | None]:
    async with endpoints(here.settings) as rpc:
        await rpc.check_network(here.settings.network.passphrase)
        return await rpc.health(), (await fetch_instances(rpc, [contract])).get(contract)


def _configured_start(here: Deployment, contract: str) -> int | None:
    starts = {each.id: each.start_ledger for each in here.settings.network.contracts}
    return starts.get(contract)


def _followed_to(here: Deployment, contract: str) -> int | None:
    with closing(here.migrated_database()) as database, database.read() as conn:
        return passed(conn, contract)
