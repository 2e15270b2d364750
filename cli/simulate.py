"""`pausewire simulate`: the simulated Stellar network alone, with its catchers, on loopback."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.output import FAILED, refuse
from cli.roles import stop_on_signals
from simulator.errors import SimulatorError
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.scenario import SCENARIOS


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    streams: Annotated[int, typer.Option(min=1, help="Pay streams of the scenario.")] = 8,
    seed: Annotated[int, typer.Option(help="Same seed, same accounts, contract and story.")] = 1,
    ledger_time: Annotated[float, typer.Option(min=0.01, help="Seconds between ledgers.")] = 5.0,
    scenario: Annotated[str, typer.Option(help=f"One of {', '.join(SCENARIOS)}.")] = "steady",
    events: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
    faults: Annotated[Path | None, typer.Option(help="File of seeded faults.")] = None,
    port: Annotated[int, typer.Option(help="Port of the Stellar RPC; 0 takes a free one.")] = 8100,
    nodes: Annotated[
        int, typer.Option(min=1, max=9, help="RPC nodes of the chain; each 100 ports higher.")
    ] = 1,
    web_port: Annotated[int, typer.Option(help="Port of the catchers' web view.")] = 8101,
    smtp_port: Annotated[int, typer.Option(help="Port of the mail catcher.")] = 1025,
    state_dir: Annotated[Path, typer.Option(help="Folder of the chain.")] = Path("var/simulator"),
    lake: Annotated[
        Path | None, typer.Option(help="Also write the ledgers to this folder, as a data lake.")
    ] = None,
) -> None:
    """Run the simulated network until stopped; the next start goes on from there."""
    options = SimulatorOptions(
        state_dir=state_dir,
        rpc_port=port,
        web_port=web_port,
        smtp_port=smtp_port,
        streams=streams,
        seed=seed,
        ledger_seconds=ledger_time,
        scenario=scenario,
        events=events,
        faults=faults,
        lake=lake,
        nodes=nodes,
    )
    try:
        with stop_on_signals() as stop, running(options) as network:
            _introduce(network, options)
            stop.wait()
    except (SimulatorError, OSError) as error:
        refuse(f"the simulated network could not run: {error}", code=FAILED)


def _introduce(network: SimulatedNetwork, options: SimulatorOptions) -> None:
    contract = f'[{{"id":"{network.contract_id}","start_ledger":{network.first_ledger}}}]'
    print(
        f"Stellar RPC    {' '.join(network.rpc_urls)}\n"
        f"caught mail    {network.web_url}  (SMTP on port {network.smtp_port})\n"
        f"contract       {network.contract_id}, from ledger {network.first_ledger}\n"
        f"truth          {network.truth_path}\n"
        f"people         {network.roster_path}\n"
        "follow it with\n"
        f"  export PAUSEWIRE_NETWORK__PASSPHRASE='{options.passphrase}'\n"
        f"  export PAUSEWIRE_NETWORK__RPC_URLS='{json.dumps(network.rpc_urls)}'\n"
        f"  export PAUSEWIRE_NETWORK__CONTRACTS='{contract}'",
        flush=True,
    )
