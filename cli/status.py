"""`pausewire status`: how everything stands, on one screen; exit 1 when something failed."""

from collections.abc import Mapping
from typing import Any

import typer

from api.standing import standing
from cli.contract_list import contracts_of
from cli.output import FAILED, Json, show_json, show_rows
from cli.sandbox import as_followed
from cli.wiring import deployment


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(json: Json = False) -> None:
    """Leader, lag, gaps, followers, queues, breakers and alarms; what failed is named first."""
    here = as_followed(deployment())
    with here.migrated_database().read() as conn:
        contracts = [contract.id for contract in contracts_of(here, conn)]
        found = standing(
            conn,
            contracts,
            here.settings.ingest.lag_limit_ledgers,
            here.settings.objectives.latency_seconds,
            canary=here.settings.canary.enabled,
        )
    if json:
        show_json(found)
    else:
        _tell(found)
    if found["failed"]:
        raise typer.Exit(FAILED)


def _tell(found: Mapping[str, Any]) -> None:
    for failure in found["failed"]:
        print(f"FAILED  {failure}")
    if not found["failed"]:
        print("all is well")
    canary = found["canary_latency_seconds"]
    facts: dict[str, Any] = {
        **found["log"],
        "leader": found["leader"] and found["leader"]["holder"],
        **{f"{name} behind by": _behind(found, name) for name in found["followers"]},
        "sending": found["sending"],
        "asked for patience": ", ".join(each["bucket"][:40] for each in found["patience"]) or "-",
        "oldest delivery due": f"{found['deliveries']['oldest_due_seconds']:.1f} s",
        "canary told after": "-" if canary is None else f"{canary:.1f} s",
        "notice facts waiting": found["deliveries"]["facts_waiting"],
    }
    show_rows("Pausewire", ("what", "is"), list(facts.items()))
    show_rows(
        "Endpoints",
        ("endpoint", "state", "latency", "ledgers", "behind by"),
        [_endpoint_row(each) for each in found["endpoints"]],
    )
    show_rows("Deliveries", ("state", "count"), list(found["deliveries"]["by_state"].items()))


def _behind(found: Mapping[str, Any], name: str) -> str:
    events, seconds = found["followers"][name], found["follower_lag_seconds"][name]
    return f"{events} events, {seconds:.0f} s" if events else "0 events"


def _endpoint_row(each: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    seconds = each["latency_seconds"]
    return (
        each["endpoint"],
        each["state"],
        "-" if seconds is None else f"{seconds * 1000:.0f} ms",
        f"{each['oldest_ledger']} to {each['latest_ledger']}",
        f"{each['lag_ledgers']} ledgers",
    )
