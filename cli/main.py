"""The `pausewire` command: one file per group of commands, errors that say how to go on."""

import sys
from typing import ClassVar

import typer

from cli.groups import GroupOnDemand
from cli.output import FAILED, USAGE
from config.errors import ConfigurationError
from domain.errors import InvalidValue
from notifier.errors import WrongMasterKey
from store.errors import StoreError


class Commands(GroupOnDemand):
    """Every command, and where it is: the processes first, then by name."""

    modules: ClassVar = {
        "up": "cli.processes",
        "index": "cli.processes",
        "notify": "cli.processes",
        "api": "cli.processes",
        "access": "cli.access",
        "announce": "cli.announcing",
        "backfill": "cli.backfill",
        "callbacks": "cli.callbacks",
        "completeness": "cli.completeness",
        "config": "cli.configuration",
        "contracts": "cli.contracts",
        "db": "cli.database",
        "deliveries": "cli.deliveries",
        "demo": "cli.demo",
        "doctor": "cli.doctor",
        "events": "cli.events",
        "keys": "cli.keys",
        "notice": "cli.notice",
        "openapi": "cli.openapi",
        "profiles": "cli.profiles",
        "push": "cli.push",
        "recipients": "cli.recipients",
        "reconcile": "cli.reconcile",
        "replay": "cli.replay",
        "report": "cli.usage_report",
        "reprocess": "cli.reprocess",
        "rules": "cli.rules",
        "secrets": "cli.secrets",
        "sending": "cli.sending",
        "simulate": "cli.simulate",
        "slo": "cli.slo",
        "status": "cli.status",
    }


app = typer.Typer(
    name="pausewire",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def pausewire() -> None:
    """The moment a pay stream stops, the person who lives on it knows."""


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
