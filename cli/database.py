"""`pausewire db`: the schema's migrations."""

from typing import Annotated

import typer

from cli.output import Json, show
from cli.wiring import deployment
from store import migrate


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Migrations of the database.")
    group.command("upgrade")(upgrade)
    group.command("downgrade")(downgrade)
    group.command("current")(current)
    app.add_typer(group, name="db")


def upgrade(
    revision: Annotated[str, typer.Argument(help="Where to; the newest by default.")] = "head",
) -> None:
    """Bring the schema up to date."""
    url = deployment().database_url
    migrate.upgrade(url, revision)
    print(f"the schema is at {migrate.current(url)}")


def downgrade(
    revision: Annotated[str, typer.Argument(help="Where to: a revision, or `base` for nothing.")],
) -> None:
    """Take the schema back; tables of later revisions are dropped with what they hold."""
    url = deployment().database_url
    migrate.downgrade(url, revision)
    print(f"the schema is at {migrate.current(url) or 'base'}")


def current(json: Json = False) -> None:
    """The revision the schema is at."""
    show({"revision": migrate.current(deployment().database_url)}, as_json=json)
