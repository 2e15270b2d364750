"""`pausewire secrets rotate`: a new key where we made the old one, and what to do where we did not.

Sessions: nobody is signed out. A webhook: for a day both secrets sign. What is kept elsewhere, or bound to
what others hold, is refused with the way out; nothing is half done.
"""

import difflib
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from sqlalchemy import Connection, func, select

from api import access_log, sessions
from api.access_log import Access
from cli.dry_run import transaction
from cli.output import FAILED, Json, refuse, show_json
from cli.times import when
from cli.wiring import Deployment, deployment
from config.secret_places import secret_places
from notifier.channels.webhook import secret_text
from notifier.privacy import Vault
from notifier.webhooks import subscriptions
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import OVERLAP_MICROS, Owner
from store.clock import now_micros

SESSIONS: Final = "sessions"
WEBHOOKS: Final = "webhooks"
ROTATED: Final = "secret_rotated"
_ACTOR: Final = "operator"
_WEBHOOK: Final = "webhook:"
_NEW: Final = ("key_id", "secret")  # what a dry run has not made
_ELSEWHERE: Final = (
    "it is made elsewhere: have another one made there, put it where"
    " `pausewire secrets path {name}` says, restart, then have the old one ended there"
)
# Keys that we, or our operators, make, and that something else is bound to: what to do instead.
BY_HAND: Final[Mapping[str, str]] = {
    "secrets.master_key": "there is no safe rotation: contacts, session keys and webhooks' secrets in the"
    " database are sealed under it, and its hashes find them. Keep it; if somebody else has it, begin a"
    " new database under a new key and import the roster",
    "push.vapid_key": "browsers' subscriptions are bound to it, everybody has to subscribe anew:"
    " `pausewire push keys` makes a pair; set push.vapid_key, restart the API and the notifiers",
    "email.dkim_key": "make a key pair, publish its public half under a new selector, set"
    " email.dkim_selector and email.dkim_key together, restart; leave the old record for a week",
    "web_auth.signing_key": "make a new account's seed, put its address into stellar.toml as"
    " SIGNING_KEY, set web_auth.signing_key, restart the API; who is signing in begins again",
    "callbacks.webhook_secrets": "put a new one beside the old one in the list, restart the API, have"
    " the caller sign with it, then take the old one out",
    WEBHOOKS: "each has a receiver that must learn the new secret: name one, webhook:<id>, as"
    " `GET /v1/webhooks` lists them",
}


def rotate(
    name: Annotated[str, typer.Argument(help="sessions, or webhook:<id>.")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="All that nobody else has to do anything for.")
    ] = False,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="The old one counts no more: somebody else has it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, say what.")] = False,
    json: Json = False,
) -> None:
    """Make a new key; a webhook's new secret is shown now and never again.

    With --at-once everybody is signed out, and a webhook's receiver must have the new secret at once.
    """
    if every == bool(name):
        refuse("give a NAME or --all; `pausewire secrets path` lists the names")
    wanted = SESSIONS if every else name
    _refuse_others(wanted)
    here = deployment()
    rotated = [_rotated(here, wanted, at_once=at_once, dry_run=dry_run)]
    left = _left(here) if every else []
    if json:
        show_json({"dry_run": dry_run, "rotated": rotated, "left": left})
        return
    for each in rotated:
        verb = "would be rotated" if dry_run else "rotated"
        more = ", ".join(f"{what} {value}" for what, value in each.items() if what != "name")
        print(f"{each['name']} {verb}: {more}")
    for each in left:
        print(f"{each['name']} left as it is: {each['do']}")


def _refuse_others(name: str) -> None:
    """End the command for what cannot be rotated here, and say what to do."""
    if name == SESSIONS or name.startswith(_WEBHOOK):
        return
    if name in BY_HAND:
        refuse(f"{name} is not rotated by a command: {BY_HAND[name]}")
    known = [SESSIONS, *BY_HAND, *(place.name for place in secret_places())]
    if name in known:
        refuse(f"{name} is not rotated by a command: {_ELSEWHERE.format(name=name)}")
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`pausewire secrets path` lists the names"
    refuse(f"no secret is called {name}: {hint}")


def _rotated(here: Deployment, name: str, *, at_once: bool, dry_run: bool) -> dict[str, Any]:
    """What became of the key, or would."""
    vault, now = here.vault, now_micros()  # opened first: that is a transaction of its own
    with transaction(here.migrated_database(), dry_run=dry_run) as conn:
        made = _sessions if name == SESSIONS else partial(_webhook, name=name)
        found = made(conn, vault, now, at_once=at_once)
        about = f"{name}, at once" if at_once else name
        access_log.note(conn, now, Access(ROTATED, _ACTOR, None, client=None, about=about))
    if dry_run:
        found = {what: value for what, value in found.items() if what not in _NEW}
    return {"name": name} | found


def _sessions(conn: Connection, vault: Vault, now: int, *, at_once: bool) -> dict[str, Any]:
    rotated, signed_out = sessions.rotate_keys(conn, vault, now, at_once=at_once)
    return {
        "key_id": rotated.kid,
        "still_accepted": rotated.kept,
        "no_longer_accepted": rotated.ended,
        "sessions_ended": signed_out,
    }


def _webhook(
    conn: Connection, vault: Vault, now: int, *, name: str, at_once: bool
) -> dict[str, Any]:
    try:
        webhook_id = UUID(name.removeprefix(_WEBHOOK))
    except ValueError:
        refuse(f"{name}: give webhook: and its id, as `GET /v1/webhooks` shows it")
    row = conn.execute(subscriptions.one(vault, Owner(None), webhook_id).with_for_update()).first()
    if row is None:
        refuse(f"there is no webhook {webhook_id}", FAILED)
    _, *before = subscriptions.live_secrets(subscriptions.open_private(vault, row), now)
    if before and not at_once:
        refuse(
            f"{name}: the secret before still signs, until {when(before[0].until)}; a receiver that has"
            " not changed yet would be left behind. Wait, or give --at-once",
            FAILED,
        )
    key = subscriptions.rotate(conn, vault, row, now, at_once=at_once)
    until = None if at_once else when(now + OVERLAP_MICROS)
    return {"secret": secret_text(key), "previous_until": until}


def _left(here: Deployment) -> list[dict[str, str]]:
    """Our other keys that are there, and what to do about each."""
    there = {place.name for place in secret_places() if place.present}
    with here.migrated_database().read() as conn:
        live = webhook.c.state != subscriptions.DELETED
        if conn.scalar(select(func.count()).select_from(webhook).where(live)):
            there.add(WEBHOOKS)
    return [{"name": name, "do": do} for name, do in BY_HAND.items() if name in there]
