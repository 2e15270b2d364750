"""`pausewire notice parked|plan-again`: events that planning put aside, and their end."""

from typing import Annotated

import typer

from cli.notifying import planner_of
from cli.output import FAILED, Json, refuse, show_json, show_rows
from cli.times import when
from cli.wiring import deployment
from notifier import parked
from store.clock import now_micros

_ByHand = Annotated[
    list[int] | None,
    typer.Option(metavar="POSITION", help="Only end this one: you have told its people yourself."),
]


def register(group: typer.Typer) -> None:
    """Add the commands to the notices' group."""
    group.command("parked")(list_parked)
    group.command("plan-again")(plan_again)


def list_parked(json: Json = False) -> None:
    """Recorded events that nobody was told of, since planning could not understand them."""
    with deployment().migrated_database().read() as conn:
        found = [
            {**each._asdict(), "parked_at": when(each.parked_at)} for each in parked.parked(conn)
        ]
    if json:
        show_json(found)
    else:
        show_rows("Parked", parked.Parked._fields, [tuple(each.values()) for each in found])


def plan_again(by_hand: _ByHand = None, json: Json = False) -> None:
    """Tell what an update can read by now, where it is still the news; exit 1: something stays parked."""
    here = deployment()
    database = here.migrated_database()
    with database.read() as conn:
        waiting = [each.position for each in parked.parked(conn)]
    unknown = sorted(set(by_hand or ()) - set(waiting))
    if unknown:
        refuse(f"--by-hand: no event is parked at {unknown[0]}: see `pausewire notice parked`")
    planner = planner_of(here, database)
    endings: dict[int, str | None] = {}
    for position in by_hand or waiting:
        with database.begin() as conn:
            if by_hand:
                parked.told_by_hand(conn, position)
                endings[position] = parked.BY_HAND
            else:
                endings[position] = parked.plan_again(conn, planner, position, now_micros())
    if json:
        show_json([{"position": key, "ending": ending} for key, ending in endings.items()])
    else:
        show_rows("Planned again", ("position", "ending"), list(endings.items()))
    if parked.STILL in endings.values():
        raise typer.Exit(FAILED)
