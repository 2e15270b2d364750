"""`pausewire announce`: the operator's word to everybody who looks at the page or the status."""

from typing import Annotated

import typer

from api.announcement import announce, announced, silence
from cli.output import Json, show
from cli.times import when
from cli.wiring import deployment
from store.clock import now_micros


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="A word to everybody, on page and status.")
    group.command("set")(set_text)
    group.command("clear")(clear)
    group.command("show")(show_text)
    app.add_typer(group, name="announce")


def set_text(
    text: Annotated[str, typer.Argument(help="What to say: a line that people understand.")],
) -> None:
    """Say something, instead of what was said before; pages show it within half a minute."""
    with deployment().migrated_database().begin() as conn:
        announce(conn, text, now_micros())
    print("said; `pausewire announce clear` takes it back")


def clear() -> None:
    """Say nothing more."""
    with deployment().migrated_database().begin() as conn:
        was_said = silence(conn)
    print("nothing is said any more" if was_said else "nothing was said")


def show_text(json: Json = False) -> None:
    """What is said, and since when."""
    with deployment().migrated_database().read() as conn:
        said = announced(conn)
    text, since = (None, None) if said is None else (said.text, when(said.since))
    show({"text": text, "since": since}, as_json=json)
