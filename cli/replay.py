"""`pausewire replay`: read models built anew from the log, and the digests that prove them equal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBar
from sqlalchemy import select

from cli.output import FAILED, Json, refuse, show
from cli.wiring import deployment
from projections.digest import Digests, digests
from projections.errors import ProjectionError
from projections.rebuild import Progress, empty_idle, rebuild, rebuild_until
from projections.sets import PROJECTIONS, active_set
from store import log
from store.engine import Database
from store.schema import tracking


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    until: Annotated[int | None, typer.Option(help="Only what was known at this position.")] = None,
    into_shadow: Annotated[
        bool, typer.Option("--into-shadow", help="Fill the idle tables and let them serve.")
    ] = False,
    digest: Annotated[bool, typer.Option("--digest", help="Print the digests.")] = False,
    json: Json = False,
) -> None:
    """Rebuild the read models from the log; never sends anything.

    Without an option the log is replayed beside the tables that serve, and the digests are compared.
    """
    database = deployment().migrated_database()
    try:
        if into_shadow:
            with _progress(database, quiet=json) as progress:
                position = rebuild(database, progress=progress)
            found = live_digests(database)
        else:
            live = live_digests(database)
            wanted = until if until is not None or digest or json else live.position
            with _progress(database, quiet=json) as progress:
                found = replayed_digests(database, wanted, progress)
            position = found.position
    except ProjectionError as error:
        refuse(str(error), code=FAILED)
    if digest or json:
        told = {
            "position": found.position,
            "state_digest": found.state,
            "full_digest": found.full,
        }
        show(told, as_json=json)
    elif into_shadow or until is not None:
        print(f"replayed up to position {position}")
    else:
        _compare(found, live)


def live_digests(database: Database) -> Digests:
    """Digests of the tables that serve, at the position they stand at."""
    with database.read() as conn:
        position = conn.scalar(select(tracking.c.position).where(tracking.c.name == PROJECTIONS))
        return digests(conn, active_set(conn), position or 0)


def replayed_digests(
    database: Database, until: int | None = None, progress: Progress | None = None
) -> Digests:
    """Digests of the log replayed into the idle tables, which are emptied again.

    Raises SetStillServing, RebuildOvertaken, PositionBeyondLog.
    """
    if until is None:
        with database.read() as conn:
            until = log.head(conn)
    name = rebuild_until(database, until, progress=progress)
    try:
        with database.read() as conn:
            return digests(conn, name, until)
    finally:
        empty_idle(database)


def _compare(replayed: Digests, live: Digests) -> None:
    equal = replayed == live
    verdict = "equal" if equal else "NOT equal"
    print(f"{live.position} events replayed: the read models are {verdict} to the log")
    if not equal:
        raise typer.Exit(FAILED)


@contextmanager
def _progress(database: Database, *, quiet: bool) -> Iterator[Progress]:
    with database.read() as conn:
        head = log.head(conn)
    with ProgressBar(
        disable=quiet or not sys.stderr.isatty(), transient=True, console=Console(stderr=True)
    ) as bar:
        task = bar.add_task("events replayed", total=head)
        yield lambda position: bar.update(task, completed=position)
