"""`pausewire recipients suppressed|suppress|unsuppress`: places that are not written to."""

from typing import Annotated

import typer

from cli.output import Json, refuse, show, show_json, show_rows
from cli.times import when
from cli.wiring import deployment
from notifier import suppression
from notifier.contact_import import CHANNELS
from store.clock import now_micros

_MOST = 10_000
Channel = Annotated[str, typer.Argument(help=f"One of {', '.join(CHANNELS)}.")]
Place = Annotated[str, typer.Argument(help="The address or number, as in the recipients' file.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the recipients' group."""
    group.command("suppressed")(list_all)
    group.command("suppress")(suppress)
    group.command("unsuppress")(unsuppress)


def list_all(
    limit: Annotated[int, typer.Option(min=1, max=_MOST)] = 50, json: Json = False
) -> None:
    """Places that are not written to and why, the newest first; each by its hash, since none is kept."""
    with deployment().migrated_database().read() as conn:
        rows = conn.execute(suppression.listing(limit)).all()
    found = [
        {
            "channel": row.channel,
            "reason": row.reason,
            "since": when(row.changed_at),
            "source": row.source,
            "destination_hash": row.destination_lookup,
        }
        for row in rows
    ]
    if json:
        show_json(found)
        return
    columns = ("channel", "reason", "since", "source", "destination_hash")
    show_rows("Suppressed", columns, [tuple(each.values()) for each in found])


def suppress(channel: Channel, place: Place, json: Json = False) -> None:
    """Write to a place no more, until it is lifted."""
    here = deployment()
    lookup = here.vault.destination_lookup(_checked(channel), place)
    with here.migrated_database().begin() as conn:
        suppression.put(
            conn, channel, lookup, suppression.OPERATOR, source="operator", at=now_micros()
        )
    show({"channel": channel, "suppressed": suppression.OPERATOR}, as_json=json)


def unsuppress(channel: Channel, place: Place, json: Json = False) -> None:
    """Write to a place again; says which reasons were lifted. A complaint its maker alone takes back."""
    here = deployment()
    lookup = here.vault.destination_lookup(_checked(channel), place)
    with here.migrated_database().begin() as conn:
        lifted = suppression.lift_all(conn, channel, lookup, at=now_micros())
    show({"channel": channel, "lifted": lifted}, as_json=json)


def _checked(channel: str) -> str:
    if channel not in CHANNELS:
        refuse(f"CHANNEL: give one of {', '.join(CHANNELS)}")
    return channel
