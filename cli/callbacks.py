"""`pausewire callbacks`: what providers called back to say, what came of it, and another try."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.output import FAILED, Json, refuse, show, show_json, show_rows
from cli.times import when
from cli.wiring import deployment
from notifier.callbacks.arrivals import STATES
from notifier.callbacks.steering import listing, redrivable, redrive, shown
from store.clock import now_micros

_MOST = 10_000
_COLUMNS = ("callback_id", "provider", "kind", "state", "tries", "received_at", "outcome")


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="What providers called back to say.")
    group.command("list")(list_some)
    group.command("show")(show_one)
    group.command("redrive")(redrive_some)
    app.add_typer(group, name="callbacks")


def list_some(
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")] = None,
    provider: Annotated[str | None, typer.Option(help="Of this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST)] = 50,
    json: Json = False,
) -> None:
    """The newest callbacks; names no destination."""
    if state is not None and state not in STATES:
        refuse(f"--state: give one of {', '.join(STATES)}")
    with deployment().migrated_database().read() as conn:
        rows = conn.execute(listing(state=state, provider=provider, limit=limit)).mappings().all()
    found = [_readable(dict(row)) for row in rows]
    if json:
        show_json(found)
        return
    cells = [tuple(row[name] for name in _COLUMNS) for row in found]
    show_rows("Callbacks", ("callback", *_COLUMNS[1:]), cells)


def show_one(
    callback: Annotated[UUID, typer.Argument(help="Its id, as `callbacks list` has it.")],
    json: Json = False,
) -> None:
    """One callback with what the provider sent, which may name a person's number or address."""
    here = deployment()
    vault = here.vault
    with here.migrated_database().read() as conn:
        found = shown(conn, vault, callback)
    if found is None:
        refuse(f"no callback {callback} is known; `pausewire callbacks list` names them", FAILED)
    show(_readable(found), as_json=json)


def redrive_some(
    callbacks: Annotated[
        list[UUID] | None, typer.Argument(help="Dead callbacks; all of them if none is named.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which it would be.")] = False,
    json: Json = False,
) -> None:
    """Let dead callbacks be worked off anew."""
    wanted = callbacks or []
    database = deployment().migrated_database()
    if dry_run:
        with database.read() as conn:
            _say("would be worked off anew", conn.scalars(redrivable(wanted)).all(), json)
        return
    with database.begin() as conn:
        revived = redrive(conn, database.bell, wanted, now=now_micros())
    _say("will be worked off anew", revived, json)


def _say(what: str, callbacks: Sequence[UUID], as_json: bool) -> None:
    if as_json:
        show_json({"callbacks": [str(each) for each in callbacks]})
        return
    for each in callbacks:
        print(each)
    print(f"{len(callbacks)} {what}")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Times as RFC 3339."""
    return {name: when(value) if name.endswith("_at") else value for name, value in row.items()}
