"""`up` in development: everything beside the simulated network, with people to tell and a key to ask with.

When its reset is asked for over HTTP, all of it ends, what it kept is taken away, and it begins anew in
the same process, on the same ports, with the same keys.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

import requests
import typer
from rich.console import Console
from sqlalchemy import insert, select

from api.keys import (
    AUDIT_READ,
    EMPLOYEE,
    OPERATOR,
    STREAMS_READ,
    api_key,
    create_key,
    list_keys,
    revoke_key,
)
from cli.announce import Announcer
from cli.output import FAILED, refuse
from cli.recipients import load_roster
from cli.roles import Role, Roles, stop_on_signals
from cli.sandbox import beside, called_back, options_of
from cli.wiring import Deployment
from simulator.errors import SimulatorError
from simulator.network import SimulatedNetwork
from simulator.options import SimulatorOptions
from simulator.wallet import CastWallet
from store import migrate
from store.engine import Database

_DEVELOPMENT_KEY = "development"
_SERVED_TRIES = 150
_SERVED_PAUSE_SECONDS = 0.2
_Wiring = Callable[[Deployment, Database], list[Role]]


@dataclass
class _Asked:
    """A reset that was asked for; `stop`: what ends the round that runs."""

    scenario: str | None = None
    stop: threading.Event | None = None

    def reset(self, scenario: str) -> None:
        """Begin anew with a scenario, as soon as this round has ended."""
        self.scenario = scenario
        if self.stop is not None:
            self.stop.set()


def run_sandbox(here: Deployment, wiring: _Wiring) -> None:
    """Run rounds until a signal; a role that fails makes the exit code 1."""
    asked = _Asked()
    with stop_on_signals() as stopped:
        _run_rounds(here, wiring, asked, stopped)
    print("stopped; the next start goes on from here")


def _run_rounds(here: Deployment, wiring: _Wiring, asked: _Asked, stopped: threading.Event) -> None:
    options = replace(options_of(here.settings), on_reset=asked.reset)
    key: str | None = None

    def watched(deployed: Deployment, database: Database) -> list[Role]:
        return [*wiring(deployed, database), _ending_with(stopped)]

    while True:
        try:
            with beside(here, options) as (pointed, network):
                key = _round(called_back(pointed), network, watched, asked, key)
                options = replace(options, web_port=int(network.web_url.rpartition(":")[2]))
        except (SimulatorError, OSError) as error:
            refuse(f"the simulated network could not run: {error}", code=FAILED)
        if asked.scenario is None or stopped.is_set():
            return
        options = replace(options, scenario=asked.scenario)
        asked.scenario = None
        _forget(here, options)
        print(f"begun anew with the scenario {options.scenario}", flush=True)


def _round(
    here: Deployment, network: SimulatedNetwork, wiring: _Wiring, asked: _Asked, key: str | None
) -> str:
    """Run until stopped or reset; gives the key that callers use."""
    database = here.migrated_database()
    load_roster(here, network.roster_path, quiet=True)
    introduced, key = key is not None, key or _fresh_key(database, network)
    asked.stop = stop = threading.Event()
    announcer = Announcer(database, Console())
    wired = wiring(_given_to_the_page(here, network, key), database)
    running = Roles([*wired, Role("announce", announcer.run)], stop)
    running.start()
    _until_served(here, stop)
    if not introduced:
        _until_known(_pauses_url(here, network), key, stop)
        _introduce(here, network, key)
    ended_well = running.join()
    database.close()
    if not ended_well:
        raise typer.Exit(FAILED)
    return key


def _given_to_the_page(here: Deployment, network: SimulatedNetwork, key: str) -> Deployment:
    wallet = CastWallet(network.options.seed, network.cast)
    return replace(here, sandbox_key=key, sandbox_wallet=wallet)


def _ending_with(stopped: threading.Event) -> Role:
    """Ends the round that runs when the process is told to stop, be it amid a reset."""

    def watch(stop: threading.Event) -> None:
        while not stop.wait(_SERVED_PAUSE_SECONDS):
            if stopped.is_set():
                stop.set()

    return Role("signals", watch)


def _forget(here: Deployment, options: SimulatorOptions) -> None:
    """Take away what was recorded and caught; API keys stay, so that who tests goes on with theirs."""
    for file in options.state_dir.glob("*.*"):
        file.unlink()
    url = here.database_url
    database = Database.open(url)
    with database.read() as conn:
        keys = [row._asdict() for row in conn.execute(select(api_key))]
    migrate.downgrade(url, "base")
    migrate.upgrade(url)
    with database.begin() as conn:
        conn.execute(insert(api_key), keys)
    database.close()


def _until_served(here: Deployment, stop: threading.Event) -> None:
    """Wait until the API takes connections, so that what is printed works when it is read."""
    address = (here.settings.api.host, here.settings.api.port)
    for _ in range(_SERVED_TRIES):
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            return
        if stop.wait(_SERVED_PAUSE_SECONDS):
            return


def _until_known(url: str, key: str, stop: threading.Event) -> None:
    """Wait until the first stream is indexed: who pastes the printed `curl` gets pauses, and no 404."""
    for _ in range(_SERVED_TRIES):
        with contextlib.suppress(requests.RequestException):
            answer = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=10)
            if answer.status_code != HTTPStatus.NOT_FOUND:
                return
        if stop.wait(_SERVED_PAUSE_SECONDS):
            return


def _fresh_key(database: Database, network: SimulatedNetwork) -> str:
    """A development key of this start; those of earlier starts are revoked."""
    with database.begin() as conn:
        for known in list_keys(conn):
            if known.name == _DEVELOPMENT_KEY and known.revoked_at is None:
                revoke_key(conn, known.id)
        made = create_key(
            conn,
            name=_DEVELOPMENT_KEY,
            scopes=(STREAMS_READ, EMPLOYEE, OPERATOR, AUDIT_READ),
            account=network.cast.employees[0],
        )
    return made.key


def _api_url(here: Deployment) -> str:
    return f"http://{here.settings.api.host}:{here.settings.api.port}"


def _pauses_url(here: Deployment, network: SimulatedNetwork) -> str:
    return f"{_api_url(here)}/v1/streams/{network.contract_id}/1/pauses"


def _introduce(here: Deployment, network: SimulatedNetwork, key: str) -> None:
    url = _api_url(here)
    print(
        "Pausewire follows a simulated Stellar network. Open\n"
        f"  {url}             streams, pauses, operation and log\n"
        f"  {url}/docs        the API\n"
        f"  {network.web_url}             mails, SMS and pushes as people get them\n"
        "and ask for the pause history of a stream with this start's key:\n"
        f"  curl -H 'Authorization: Bearer {key}' \\\n"
        f"    {_pauses_url(here, network)}\n"
        "Another story: PAUSEWIRE_SIMULATOR__SCENARIO, or begin anew while it runs:\n"
        f"""  curl -H 'Content-Type: application/json' -d '{{"scenario": "paused-now"}}' """
        f"{network.web_url}/sandbox/reset\n"
        "Each line below is a notice told; times are seconds since the ledger closed. Ctrl-C stops.",
        flush=True,
    )
