"""`pausewire demo`: a bounded run of everything on a fresh state, judged by the chain's own truth."""

import os
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from cli import logs
from cli.indexing import index_roles
from cli.notifying import notify_roles
from cli.output import FAILED, Json, refuse, show_json
from cli.quiet import Standing, standing
from cli.recipients import load_roster
from cli.replay import live_digests, replayed_digests
from cli.roles import Roles
from cli.sandbox import beside, options_of
from cli.verdict import Verdict, judge
from cli.wiring import Deployment
from config.layers import load
from notifier import latency
from simulator.errors import SimulatorError
from simulator.network import SimulatedNetwork
from simulator.options import SimulatorOptions
from store import log
from store.engine import Database

_LEDGER_SECONDS = 0.25
_POLL_SECONDS = 0.25
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    events: Annotated[int, typer.Option(min=10, help="Contract events on the chain.")] = 500,
    seed: Annotated[int, typer.Option(help="Same seed, same story.")] = 1,
    timeout: Annotated[int, typer.Option(min=1, help="Most seconds to wait.")] = 1800,
    json: Json = False,
) -> None:
    """Run everything on a fresh state; exit 1 when anything was lost, repeated or unequal.

    Database and broker are those of the environment variables where they are set (the database must
    be empty), else SQLite in a temporary folder and the in-process queue.
    """
    with tempfile.TemporaryDirectory(prefix="pausewire-demo-") as folder:
        here = _fresh(Path(folder))
        try:
            with beside(here, _options(here, events, seed)) as (pointed, network):
                summary, verdict = _run(pointed, network, events, timeout, quiet=json)
        except SimulatorError as error:
            refuse(f"the simulated network could not run: {error}", code=FAILED)
    if json:
        show_json(summary)
    else:
        _tell(summary, verdict)
    if verdict.lost or verdict.duplicated or summary["digest"] != summary["replay_digest"]:
        raise typer.Exit(FAILED)


def _fresh(folder: Path) -> Deployment:
    """The development environment with all its files in a folder of this run."""
    given = {name: value for name, value in os.environ.items() if name.startswith("PAUSEWIRE_")}
    defaults = {"PAUSEWIRE_DATABASE__URL": f"sqlite:///{folder / 'pausewire.db'}"}
    fixed = {
        "PAUSEWIRE_ENVIRONMENT": "development",
        "PAUSEWIRE_STATE_DIR": str(folder),
        "PAUSEWIRE_RESTRAINT__WINDOW_SECONDS": "0",  # one letter for each notice can be counted
        "PAUSEWIRE_SIMULATOR__STATE_DIR": str(folder / "simulator"),
    }
    here = Deployment(load({**defaults, **given, **fixed}))
    logs.configure(here.settings)
    return here


def _options(here: Deployment, events: int, seed: int) -> SimulatorOptions:
    """A chain that is dense and ends; every port is a free one."""
    return replace(
        options_of(here.settings, events=events),
        scenario="burst",
        seed=seed,
        ledger_seconds=_LEDGER_SECONDS,
        rpc_port=0,
        web_port=0,
        smtp_port=0,
    )


def _run(
    here: Deployment, network: SimulatedNetwork, events: int, timeout: int, *, quiet: bool
) -> tuple[dict[str, Any], Verdict]:
    database = here.migrated_database()
    with database.read() as conn:
        if log.head(conn):
            refuse("the database is not empty: give the demo one of its own")
    load_roster(here, network.roster_path, quiet=True)
    stop = threading.Event()
    running = Roles([*index_roles(here, database), *notify_roles(here, database)], stop)
    running.start()
    try:
        in_time = _wait(database, network, events, timeout, stop, quiet=quiet)
    finally:
        stop.set()
        ended_well = running.join()
    with database.read() as conn:
        verdict = judge(conn, network.options.state_dir, network.contract_id)
        summary = _summary(verdict, latency.summarise(conn.execute(latency.stage_times(since=0))))
    causes = [f"the role {name} failed" for name in running.failed]
    if not in_time:
        causes.append(f"not all was done within {timeout} s")
    if not ended_well and not running.failed:
        causes.append("a role would not stop")
    verdict.lost[:0] = causes  # first of all that is shown
    live, replayed = live_digests(database), replayed_digests(database)
    summary |= {
        "lost": len(verdict.lost),
        "digest": live.state,
        "replay_digest": replayed.state,
        "database": database.dialect,
        "broker": here.settings.broker.url.get_secret_value().partition(":")[0],
    }
    database.close()
    return summary, verdict


def _wait(
    database: Database,
    network: SimulatedNetwork,
    events: int,
    timeout: int,
    stop: threading.Event,
    *,
    quiet: bool,
) -> bool:
    """Wait until everything has come to rest; False when the time is up or a role ended."""
    hidden = quiet or not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), disable=hidden, transient=True) as bar:
        recorded = bar.add_task("events recorded", total=events)
        settled = bar.add_task("deliveries settled", total=None)
        for _ in range(int(timeout / _POLL_SECONDS)):
            if stop.wait(_POLL_SECONDS):
                return False
            with database.read() as conn:
                now: Standing = standing(conn, network.contract_id)
            bar.update(recorded, completed=now.events)
            bar.update(settled, completed=now.settled, total=now.settled + now.under_way)
            if now.events >= events and now.at_rest:
                return True
    return False


def _summary(verdict: Verdict, seconds: latency.Summary) -> dict[str, Any]:
    return {
        "events_on_chain": verdict.events_on_chain,
        "events_recorded": verdict.events_recorded,
        "streams": verdict.streams,
        "intervals": verdict.intervals,
        "notices": verdict.notices,
        "deliveries": verdict.deliveries,
        "lost": len(verdict.lost),
        "duplicated": len(verdict.duplicated),
        "possible_duplicates": len(verdict.possible_duplicates),
        "unknown": verdict.unknown,
        "quarantined": verdict.quarantined,
        "latency_seconds": seconds,
    }


def _tell(summary: dict[str, Any], verdict: Verdict) -> None:
    """The summary for people, and the first findings if there are any."""
    print(
        f"{summary['events_recorded']} of {summary['events_on_chain']} events recorded,"
        f" {summary['streams']} streams, {summary['intervals']} pauses,"
        f" {summary['notices']} notices"
    )
    for channel, states in summary["deliveries"].items():
        seconds = summary["latency_seconds"].get(channel, {}).get("accepted", {})
        speed = (
            f", accepted after {seconds['p50']:.1f} s (p99 {seconds['p99']:.1f} s)"
            if seconds
            else ""
        )
        print(f"  {channel}: {', '.join(f'{n} {state}' for state, n in states.items())}{speed}")
    equal = summary["digest"] == summary["replay_digest"]
    print(
        f"lost {summary['lost']}, duplicated {summary['duplicated']},"
        f" sent again {summary['possible_duplicates']}, unknown {summary['unknown']},"
        f" replay {'equal' if equal else 'NOT EQUAL'}"
        f" ({summary['database']}, {summary['broker']})"
    )
    for finding in [*verdict.lost, *verdict.duplicated, *verdict.possible_duplicates][:_SHOWN]:
        print(f"  {finding}")
