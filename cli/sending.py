"""`pausewire sending`: the switch that stops every hand-off to a provider within two seconds."""

from typing import Annotated

import typer

from cli.output import Json, show
from cli.times import when
from cli.wiring import deployment
from notifier import switch
from store.clock import now_micros


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="The switch for everything that is sent.")
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("status")(status)
    app.add_typer(group, name="sending")


def pause(
    reason: Annotated[str | None, typer.Option(help="Why, for whoever looks next.")] = None,
) -> None:
    """Hand nothing off any more; planning and the inbox go on, nothing is lost."""
    with deployment().migrated_database().begin() as conn:
        switch.pause(conn, reason=reason, now=now_micros())
    print("sending is paused; `pausewire sending resume` goes on with what has waited")


def resume() -> None:
    """Go on with what has waited; what is too old by now ends as expired."""
    database = deployment().migrated_database()
    with database.begin() as conn:
        switch.resume(conn, database.bell, now=now_micros())
    print("sending goes on")


def status(json: Json = False) -> None:
    """Whether anything is being sent, since when, and why not."""
    with deployment().migrated_database().read() as conn:
        sending = switch.status(conn)
    show(
        {
            "sending": "paused" if sending.paused else "on",
            "since": when(sending.changed_at),
            "reason": sending.reason,
        },
        as_json=json,
    )
