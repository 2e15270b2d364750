"""`pausewire up`, `index`, `notify`, `api`: the long-running processes.

Each loads what its own roles need: a worker that starts again needs no HTTP interface.
"""

from collections.abc import Callable

import typer

from cli.output import FAILED, refuse
from cli.roles import Role, run_roles, stop_on_signals
from cli.wiring import Deployment, deployment
from ingest.errors import ProfileInvalid
from store.engine import Database

_Wiring = Callable[[Deployment, Database], list[Role]]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("index")(index)
    app.command("notify")(notify)
    app.command("api")(api)


def up() -> None:
    """Run every role in one process; in development with the simulated network beside them."""
    here = deployment()
    if not here.settings.simulator.enabled:
        _run(here, all_roles)
        return
    from cli.sandbox_run import run_sandbox

    run_sandbox(here, all_roles)


def index() -> None:
    """Follow the chain and keep the read models; one process is active, the others stand by."""
    from cli.indexing import index_roles

    _run(deployment(), index_roles)


def notify() -> None:
    """Plan and deliver alerts; run as many as wanted."""
    _run(deployment(), _telling_roles)


def api() -> None:
    """Serve the HTTP interface; run as many as wanted."""
    _run(deployment(), _serving_roles)


def all_roles(here: Deployment, database: Database) -> list[Role]:
    """Everything that one process can do."""
    from cli.indexing import index_roles

    return [
        *index_roles(here, database),
        *_telling_roles(here, database),
        *_serving_roles(here, database),
    ]


def _telling_roles(here: Deployment, database: Database) -> list[Role]:
    from cli.notifying import canary_roles, notify_roles

    return [*notify_roles(here, database), *canary_roles(here, database)]


def _serving_roles(here: Deployment, database: Database) -> list[Role]:
    from cli.serving import api_role

    return [api_role(here, database)]


def _run(here: Deployment, wiring: _Wiring) -> None:
    """Run roles until a signal; a role that fails makes the exit code 1."""
    database = here.migrated_database()
    try:
        roles = wiring(here, database)
    except ProfileInvalid as error:
        refuse(str(error))
    with stop_on_signals() as stop:
        ended_well = run_roles(roles, stop)
    database.close()
    if not ended_well:
        raise typer.Exit(FAILED)
