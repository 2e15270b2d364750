"""`pausewire keys`: make, list and revoke API keys; a key is shown once."""

from typing import Annotated

import typer

from api.keys import SCOPES, create_key, list_keys, revoke_key
from api.roles import ROLES
from cli.output import Json, refuse, show, show_json, show_rows
from cli.times import when
from cli.wiring import deployment
from domain.errors import InvalidValue

Scopes = Annotated[
    list[str] | None, typer.Option("--scope", help=f"One of {', '.join(SCOPES)}; repeat.")
]
Role = Annotated[
    str | None, typer.Option(help=f"The scopes of a role: {', '.join(ROLES)}; --scope adds more.")
]
Contracts = Annotated[
    list[str] | None, typer.Option("--contract", help="Only this contract's streams; repeat.")
]
Account = Annotated[str | None, typer.Option(help="Bind the key to this account (`employee`).")]


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="API keys.")
    group.command("create")(create)
    group.command("list")(list_all)
    group.command("revoke")(revoke)
    app.add_typer(group, name="keys")


def create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Scopes = None,
    role: Role = None,
    account: Account = None,
    contract: Contracts = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="Instead of api.requests_per_minute.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key. It is shown now and never again."""
    if role is not None and role not in ROLES:
        refuse(f"--role is one of {', '.join(ROLES)}, not {role}")
    scopes = [*(() if role is None else ROLES[role]), *(scope or ())]
    if not scopes:
        refuse("give --role or --scope: what the key is for")
    try:
        with deployment().migrated_database().begin() as conn:
            made = create_key(
                conn,
                name=name,
                scopes=scopes,
                account=account,
                contracts=contract or (),
                requests_per_minute=requests_per_minute,
            )
    except InvalidValue as error:
        refuse(str(error))
    shown = {"id": made.id, "key": made.key, "scopes": list(made.scopes)}
    if made.contracts is not None:
        shown["contracts"] = list(made.contracts)
    show(shown, as_json=json)


def list_all(json: Json = False) -> None:
    """Every key, revoked ones too; the secrets are not kept."""
    with deployment().migrated_database().read() as conn:
        found = list_keys(conn)
    if json:
        show_json(
            [
                key._asdict()
                | {
                    "created_at": when(key.created_at),
                    "revoked_at": when(key.revoked_at),
                    "last_used_at": when(key.last_used_at),
                }
                for key in found
            ]
        )
        return
    show_rows(
        "API keys",
        ("id", "name", "scopes", "account", "contracts", "created", "last used", "revoked"),
        [
            (
                key.id,
                key.name,
                " ".join(key.scopes),
                key.account_id,
                None if key.contracts is None else " ".join(key.contracts),
                when(key.created_at),
                when(key.last_used_at),
                when(key.revoked_at),
            )
            for key in found
        ],
    )


def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `keys list` shows it.")]) -> None:
    """Revoke a key at once and for good."""
    with deployment().migrated_database().begin() as conn:
        known = revoke_key(conn, key_id)
    if not known:
        refuse(f"there is no key {key_id}: `pausewire keys list` shows the ids", code=1)
    print(f"revoked {key_id}")
