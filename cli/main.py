"""The `pausewire` command: one file per group of commands, errors that say how to go on."""

import sys

import typer

from cli import (
    access,
    announcing,
    backfill,
    callbacks,
    completeness,
    configuration,
    contracts,
    database,
    deliveries,
    demo,
    doctor,
    events,
    keys,
    notice,
    openapi,
    processes,
    profiles,
    push,
    recipients,
    reconcile,
    replay,
    reprocess,
    rules,
    sending,
    simulate,
    slo,
    status,
    usage_report,
)
from cli.output import FAILED, USAGE
from config.errors import ConfigurationError
from domain.errors import InvalidValue
from notifier.errors import WrongMasterKey
from store.errors import StoreError

app = typer.Typer(
    name="pausewire",
    help="The moment a pay stream stops, the person who lives on it knows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group in (
    access,
    announcing,
    backfill,
    callbacks,
    completeness,
    configuration,
    contracts,
    database,
    deliveries,
    demo,
    doctor,
    events,
    keys,
    notice,
    openapi,
    processes,
    profiles,
    push,
    recipients,
    reconcile,
    replay,
    reprocess,
    rules,
    sending,
    simulate,
    slo,
    status,
    usage_report,
):
    group.register(app)


def main() -> None:
    """Run the command; what a person can mend is said in a line, not in a traceback."""
    try:
        app()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        sys.exit(USAGE)
    except (InvalidValue, WrongMasterKey) as error:
        print(error, file=sys.stderr)
        sys.exit(USAGE)
    except StoreError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(FAILED)
