"""`pausewire secrets`: where a secret is looked up, and new keys for those that are our own."""

import difflib
from typing import Annotated

import typer
from sqlalchemy import func, select

from api.session_keys import session_key
from cli import rotation
from cli.output import FAILED, Json, refuse, show, show_json, show_rows
from cli.wiring import deployment
from config.secret_places import SecretPlace, secret_places
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import DELETED

_IN_DATABASE = {
    rotation.SESSIONS: "table session_key of the database, sealed under secrets.master_key",
    rotation.WEBHOOKS: "table webhook of the database, sealed under secrets.master_key",
}


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Secrets: where they are, and new ones.")
    group.command("path")(path)
    group.command("rotate")(rotation.rotate)
    app.add_typer(group, name="secrets")


def path(
    name: Annotated[str, typer.Argument(help="Such as email.password; none: list all.")] = "",
    json: Json = False,
) -> None:
    """Where a secret is looked up, in which order, and whether it is there (exit 1: it is not).

    What it is, is never shown. Works with wrong settings, too.
    """
    places = [*secret_places(), *(SecretPlace(n, (at,), None) for n, at in _IN_DATABASE.items())]
    if not name:
        _list(places, as_json=json)
        return
    known = {place.name: place for place in places}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "`pausewire secrets path` lists all"
        refuse(f"no secret is called {name}: {hint}")
    place = known[name]
    if place.present is None:
        place = _counted(place)
    show(_shown(place) if json else _in_words(place), as_json=json)
    if not place.present:
        raise typer.Exit(FAILED)


def _counted(place: SecretPlace) -> SecretPlace:
    """A place in the database, now that the database is asked."""
    query = select(func.count()).select_from(session_key)
    if place.name == rotation.WEBHOOKS:
        query = select(func.count()).select_from(webhook).where(webhook.c.state != DELETED)
    with deployment().migrated_database().read() as conn:
        count = conn.scalar(query) or 0
    found = f"{place.looked_up[0]}: {count}" if count else None
    return place._replace(present=bool(count), found_in=found)


def _list(places: list[SecretPlace], *, as_json: bool) -> None:
    if as_json:
        show_json([_shown(place) for place in places])
        return
    rows = [tuple(_in_words(place).values()) for place in places]
    show_rows("Secrets", ("name", "there", "found in", "looked up", "wrong"), rows)


def _shown(place: SecretPlace) -> dict[str, object]:
    return place._asdict() | {"looked_up": list(place.looked_up)}


def _in_words(place: SecretPlace) -> dict[str, object]:
    there = {True: "yes", False: "no", None: "ask by name"}[place.present]
    return {
        "name": place.name,
        "there": there,
        "found in": place.found_in or "",
        "looked up": ", ".join(place.looked_up),
        "wrong": place.problem or "",
    }
