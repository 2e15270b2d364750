"""What commands print: tables for people, JSON for programs, and errors with the way out."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

DONE, FAILED, USAGE = 0, 1, 2

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def show_json(found: object) -> None:
    """Print one JSON document; what JSON does not know is written as text."""
    print(json.dumps(found, indent=2, default=str, ensure_ascii=False))


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table, or say that there is nothing."""
    console = Console()
    if not rows:
        console.print(f"{title}: none")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def show(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a flat mapping, one line per key, or as JSON."""
    if as_json:
        show_json(found)
        return
    width = max((len(key) for key in found), default=0)
    for key, value in found.items():
        print(f"{key:<{width}}  {value}")


def refuse(message: str, code: int = USAGE) -> NoReturn:
    """Say on standard error what is wrong and how to mend it, and end the command."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)
