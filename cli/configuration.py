"""`pausewire config`: the effective settings, where each came from, and whether they can be used."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.output import FAILED, Json, refuse, show_json, show_rows
from config.describe import describe
from config.errors import ConfigurationError
from config.layers import load


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Settings and where they come from.")
    group.command("show")(show)
    group.command("check")(check)
    app.add_typer(group, name="config")


def show(
    only: Annotated[str, typer.Argument(help="Only keys that begin so, such as `email`.")] = "",
    json: Json = False,
) -> None:
    """Every setting with its effective value and layer; secrets are masked."""
    rows = [row for row in describe(load()) if row.key.startswith(only)]
    if json:
        show_json([asdict(row) for row in rows])
        return
    show_rows(
        "Settings",
        ("key", "value", "from", "unit", "reload"),
        [(row.key, row.value, row.layer, row.unit, row.reload) for row in rows],
    )


def check(json: Json = False) -> None:
    """Whether the settings can be used; names every fault at once."""
    try:
        loaded = load()
    except ConfigurationError as error:
        if json:
            show_json({"ok": False, "faults": [asdict(fault) for fault in error.faults]})
            raise typer.Exit(FAILED) from error
        refuse(str(error), code=FAILED)
    if json:
        show_json({"ok": True, "environment": loaded.settings.environment, "faults": []})
    else:
        print(f"the settings of {loaded.settings.environment} can be used")
