"""`pausewire recipients erase`: a person is forgotten, and every proof stays valid.

Two transactions: what lets the account in and what it had sent elsewhere ends first, then all that is
known of it goes. Ended between them, or run again, it does what is left.
"""

from typing import Annotated, Any

import typer

from api import access_log, keys, read_log, sessions
from api.access_log import Access
from cli.dry_run import transaction
from cli.output import Json, refuse, show
from cli.wiring import Deployment, deployment
from domain.errors import InvalidValue
from domain.values import account_id
from notifier.erasure import erase
from notifier.webhooks import subscriptions
from store.clock import now_micros

_ACTOR = "operator"
_WARNING = (
    "Contacts, wishes and the inbox go for good; nothing is told to the account any more, and no import"
    " brings it back."
)


def erase_account(
    account: Annotated[str, typer.Argument(help="Whose data: G… or C….")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, say what.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Forget a person: contacts, wishes, words, sessions, keys and webhooks; the log and proofs stay.

    Run it again a day later: it takes what providers said since about messages that had just left.
    """
    try:
        whom = account_id(account, "account")
    except InvalidValue as error:
        refuse(str(error))
    if not (dry_run or yes):
        if json:
            refuse("--json asks nothing: give --yes or --dry-run")
        typer.confirm(f"Erase {whom}? {_WARNING}", abort=True)
    show(_erased(deployment(), whom, dry_run=dry_run), as_json=json)


def _erased(here: Deployment, account: str, *, dry_run: bool) -> dict[str, Any]:
    vault, database, now = here.vault, here.migrated_database(), now_micros()
    lookup = vault.account_lookup(account)
    with transaction(database, dry_run=dry_run) as conn:
        ended = {
            "sessions_ended": sessions.end_sessions_of(conn, lookup, now),
            "keys_revoked": keys.revoke_keys_of(conn, account),
            "webhooks_deleted": subscriptions.forget_account(conn, vault, account, now),
        }
    with transaction(database, dry_run=dry_run) as conn:
        done = erase(conn, vault, account, now)
        access_log.forget_wherefrom(conn, lookup)
        read_log.forget_wherefrom(conn, lookup)
        access_log.note(conn, now, Access(access_log.ERASED, _ACTOR, lookup, client=None))
    return {
        "account_id": account,
        "dry_run": dry_run,
        "erased_before": not done.fresh,
        "contacts_removed": done.contacts,
        "notices_without_words": done.notices,
        "deliveries_withdrawn": done.withdrawn,
        "deliveries_under_way": done.under_way,
        **ended,
    }
