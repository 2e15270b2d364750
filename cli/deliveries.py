"""`pausewire deliveries`: what was sent, what was not and why, and another try."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Row, Select

from cli.output import Json, refuse, show_json, show_rows
from cli.times import when, when_seconds
from cli.wiring import deployment
from notifier.deliveries import (
    HOLDABLE,
    REDRIVABLE,
    Filter,
    cancel,
    listing,
    movable,
    parse_filter,
    redrive,
    release,
    withdrawable,
)
from notifier.errors import FilterInvalid
from store.clock import now_micros

Where = Annotated[
    list[str], typer.Option("--where", help="name=value, such as state=unknown; repeat.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which it would be.")]
_MOST = 10_000


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Deliveries, one per notice and channel.")
    group.command("list")(list_some)
    group.command("redrive")(redrive_some)
    group.command("release")(release_some)
    group.command("cancel")(cancel_some)
    app.add_typer(group, name="deliveries")


def list_some(
    where: Where = [],  # noqa: B006 # Typer makes a new list for each call
    limit: Annotated[int, typer.Option(min=1, max=_MOST)] = 50,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Those whose outcome only a person can settle.")
    ] = False,
    json: Json = False,
) -> None:
    """The newest deliveries; names no destination."""
    found = _matching(_filter([*where, "state=unknown"] if unknown else where), limit)
    if json:
        show_json([_as_json(row) for row in found])
        return
    show_rows(
        "Deliveries",
        ("delivery", "channel", "state", "reason", "tries", "kind", "stream", "planned"),
        [
            (
                row.delivery_id,
                row.channel,
                row.state,
                row.reason,
                row.attempts,
                row.kind,
                row.stream_id,
                when(row.planned_at),
            )
            for row in found
        ],
    )


def redrive_some(where: Where, dry_run: DryRun = False, json: Json = False) -> None:
    """Let unknown, failed or expired deliveries try again; flagged where a repeat is possible."""
    wanted = _filter(where)
    if dry_run:
        _say("would try again", _ids(movable(wanted, REDRIVABLE)), json)
        return
    database = deployment().migrated_database()
    with database.begin() as conn:
        moved = redrive(conn, database.bell, wanted, now=now_micros())
    _say("will try again", [str(each) for each in moved], json)


def release_some(where: Where, dry_run: DryRun = False, json: Json = False) -> None:
    """Let held deliveries leave now, such as those of the storm brake: --where reason=storm."""
    wanted = _filter(where)
    if dry_run:
        _say("would leave", _ids(movable(wanted, HOLDABLE)), json)
        return
    database = deployment().migrated_database()
    with database.begin() as conn:
        moved = release(conn, database.bell, wanted, now=now_micros())
    _say("will leave", [str(each) for each in moved], json)


def cancel_some(where: Where, dry_run: DryRun = False, json: Json = False) -> None:
    """Withdraw deliveries that have not been handed off."""
    wanted = _filter(where)
    if dry_run:
        _say("would be withdrawn", _ids(withdrawable(wanted)), json)
        return
    with deployment().migrated_database().begin() as conn:
        moved = cancel(conn, wanted, now=now_micros())
    _say("withdrawn", [str(each) for each in moved], json)


def _filter(where: Sequence[str]) -> Filter:
    try:
        return parse_filter(where)
    except FilterInvalid as error:
        refuse(f"--where: {error}")


def _matching(wanted: Filter, limit: int) -> Sequence[Row[Any]]:
    with deployment().migrated_database().read() as conn:
        return conn.execute(listing(wanted, after=None, limit=limit)).all()


def _ids(which: Select[Any]) -> list[str]:
    with deployment().migrated_database().read() as conn:
        return [str(each) for each in conn.scalars(which)]


def _say(what: str, deliveries: Sequence[str], as_json: bool) -> None:
    if as_json:
        show_json({"deliveries": deliveries})
        return
    for each in deliveries:
        print(each)
    print(f"{len(deliveries)} {what}")


def _as_json(row: Row[Any]) -> dict[str, Any]:
    found = dict(row._mapping)  # noqa: SLF001 # SQLAlchemy's public name for a row as a mapping
    for name, value in found.items():
        if name == "closed_at":
            found[name] = when_seconds(value)
        elif name.endswith(("_at", "_until")):
            found[name] = when(value)
    found["stream_id"] = None if row.stream_id is None else str(row.stream_id)
    return found
