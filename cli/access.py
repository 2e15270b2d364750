"""`pausewire access`: who read what, and the end of an account's sessions."""

from typing import Annotated

import typer

from api import access_log, read_log
from api.access_log import SIGNED_OUT, Access
from api.read_log import Asked, Read
from api.sessions import end_sessions_of
from cli.output import Json, refuse, show, show_json, show_rows
from cli.since import Since, since_micros
from cli.times import when
from cli.wiring import deployment
from domain.errors import InvalidValue
from domain.values import account_id, contract_id, u64
from store.clock import now_micros

_MOST = 10_000
_DEFAULT_DAYS = 30
_ACTOR = "operator"

Key = Annotated[
    str | None, typer.Option(help="Reads by this key or session: its id, as `keys list` shows it.")
]
Stream = Annotated[
    str | None,
    typer.Option(metavar="C…[/ID]", help="Reads about this contract, or this stream of it."),
]
Reader = Annotated[
    str | None, typer.Option(help="Reads by sessions of this account and keys bound to it.")
]


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Who read what; sessions of people.")
    group.command("list")(list_reads)
    group.command("end-sessions")(end_sessions)
    app.add_typer(group, name="access")


def list_reads(  # each option by name
    since: Since = None,
    key: Key = None,
    stream: Stream = None,
    account: Reader = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST)] = 50,
    json: Json = False,
) -> None:
    """Which key or session read what, when, from where and how it ended, the newest first."""
    here = deployment()
    contract, number = (None, None) if stream is None else _stream(stream)
    asked = Asked(
        since=since_micros(since, default_days=_DEFAULT_DAYS),
        actor=key,
        account_lookup=None if account is None else here.vault.account_lookup(_account(account)),
        contract_id=contract,
        stream_id=number,
    )
    with here.migrated_database().read() as conn:
        rows = conn.execute(read_log.page(asked, limit=limit)).all()
    found = [_shown(Read(*row[1:])) for row in rows]
    if json:
        show_json(found)
        return
    columns = ("at", "actor", "account", "route", "contract", "stream", "about", "status", "client")
    show_rows("Reads", columns, [tuple(each.values()) for each in found])


def end_sessions(
    account: Annotated[str, typer.Option(help="Whose sessions: everywhere, at once.")],
    json: Json = False,
) -> None:
    """Sign an account out on every device; it can sign in again. `/v1/me/access` tells it who did."""
    here = deployment()
    lookup, now = here.vault.account_lookup(_account(account)), now_micros()
    with here.migrated_database().begin() as conn:
        ended = end_sessions_of(conn, lookup, now)
        access = Access(SIGNED_OUT, _ACTOR, lookup, client=None, about=f"{ended} sessions")
        access_log.note(conn, now, access)
    show({"ended": ended}, as_json=json)


def _shown(read: Read) -> dict[str, object]:
    return {
        "at": when(read.at),
        "actor": read.actor,
        "account_lookup": read.account_lookup,
        "route": read.route,
        "contract_id": read.contract_id,
        "stream_id": None if read.stream_id is None else str(read.stream_id),
        "about": read.about,
        "status": read.status,
        "client": read.client,
    }


def _stream(text: str) -> tuple[str, int | None]:
    contract, slash, number = text.partition("/")
    try:
        named = contract_id(contract, "stream")
        return named, u64(int(number), "stream") if slash else None
    except (InvalidValue, ValueError):
        refuse(f"--stream: {text!r} is none; give a contract, C…, or a stream of it, C…/7")


def _account(text: str) -> str:
    try:
        return account_id(text, "account")
    except InvalidValue as error:
        refuse(f"--account: {error}")
