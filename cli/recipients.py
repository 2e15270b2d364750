"""`pausewire recipients`: contacts in and out, as CSV, and what else is done about people."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from cli import suppressed
from cli.erasing import erase_account
from cli.output import Json, refuse, show
from cli.trial_recipients import create_test
from cli.wiring import Deployment, deployment
from notifier.contact_file import HEADER, read_contacts, write_contacts
from notifier.contact_import import export_contacts, import_contacts
from notifier.errors import RecipientsInvalid
from notifier.wishes import WISHES


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Who is told, and where.")
    group.command("import")(import_file)
    group.command("export")(export_file)
    group.command("create-test")(create_test)
    group.command("erase")(erase_account)
    suppressed.register(group)
    app.add_typer(group, name="recipients")


def import_file(
    file: Annotated[
        Path, typer.Argument(help=f"CSV: {','.join(HEADER)}, and any of {','.join(WISHES)}.")
    ],
    json: Json = False,
) -> None:
    """Upsert contacts by account; a file with any fault changes nothing."""
    imported = load_roster(deployment(), file, quiet=json)
    show(imported, as_json=json)


def load_roster(here: Deployment, file: Path, *, quiet: bool) -> dict[str, int]:
    """Import a file of contacts and say what it did; a fault ends the command."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = read_contacts(opened)
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{file} cannot be read: {error}")
    except RecipientsInvalid as error:
        refuse("\n".join((f"{file}: {error}", *error.faults)))
    with Progress(disable=quiet or not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("recipients", total=len(lines))
        done = import_contacts(
            here.migrated_database(),
            here.vault,
            lines,
            lambda count: progress.update(task, completed=count),
        )
    return done._asdict()


def export_file(
    preferences: Annotated[
        bool, typer.Option("--preferences", help="With the columns of what people want.")
    ] = False,
) -> None:
    """Print every contact as CSV, in the form that `import` reads."""
    here = deployment()
    with here.migrated_database().read() as conn:
        lines = export_contacts(conn, here.vault, with_wishes=preferences)
        write_contacts(lines, sys.stdout, with_wishes=preferences)
