"""An alarm in the indexer's log is named by a runbook: who reads it at night finds what to do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.main import app
from config.catalogue import entries
from store.schema import metadata
from tests.house.repository import ROOT, shown

_RUNBOOKS = ROOT / "docs" / "runbooks"
# Warnings that ask somebody to look as well.
_WARNINGS_TOO = {
    "chain_not_proven",
    "cross_check_impossible",
    "endpoint_misdates",
    "event_left_out_suspected",
    "leadership_lost",
    "leadership_yielded",
}


def _alarms(path: Path) -> Iterator[str]:
    """What a module logs as errors; a constant's name stands for its text."""
    tree = ast.parse(path.read_text("utf-8"))
    texts = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("_LOG"), attr="error"),
                args=[ast.Constant(str(said)), *_],
            ):
                yield said
            case ast.Call(
                func=ast.Attribute(value=ast.Name("_LOG"), attr="error"), args=[ast.Name(name), *_]
            ):
                yield texts[name]


def test_every_alarm_of_the_indexer_has_its_runbook():
    pages = "".join(path.read_text("utf-8") for path in _RUNBOOKS.glob("*.md"))
    alarms = {said for path in (ROOT / "ingest").rglob("*.py") for said in _alarms(path)}
    assert len(alarms) >= 8
    assert sorted(said for said in alarms | _WARNINGS_TOO if f"`{said}`" not in pages) == []


_PAGES = sorted(_RUNBOOKS.glob("*.md"))
_COMMAND = re.compile(r"`pausewire ([a-z][^`]*)`|^ +pausewire ([a-z].*)$", re.MULTILINE)
_TABLE = re.compile(r"[Tt]able `([a-z_]+)`")
_METRIC = re.compile(r"pausewire_[a-z_]+")
_SETTING = re.compile(r"`([a-z]+\.[a-z_]+)`")
_QUERY = re.compile(r"`(SELECT [^`]+)`")


def _unknown(text: str) -> str | None:
    """The first word of a command that the command line does not know."""
    command: Any = typer.main.get_command(app)
    for word in text.split():
        if word.startswith("--"):
            options = {name for each in command.params for name in each.opts}
            if word.partition("=")[0] not in options:
                return word
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return word
            command = command.commands[word]
    return None


@pytest.mark.parametrize("page", _PAGES, ids=shown)
def test_a_runbook_names_commands_that_exist(page: Path):
    named = [first or second for first, second in _COMMAND.findall(page.read_text("utf-8"))]
    assert {text: word for text in named if (word := _unknown(text)) is not None} == {}


@pytest.mark.parametrize("page", _PAGES, ids=shown)
def test_a_runbook_names_tables_metrics_and_settings_that_exist(page: Path):
    text = page.read_text("utf-8")
    assert set(_TABLE.findall(text)) <= set(metadata.tables)
    told = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert [name for name in _METRIC.findall(text) if f"`{name}" not in told] == []
    known = set(entries())
    sections = {key.partition(".")[0] for key in known}
    named = {name for name in _SETTING.findall(text) if name.partition(".")[0] in sections}
    assert named <= known


def test_what_the_command_line_does_not_know_is_found():
    assert _unknown("reprocess --al") == "--al"
    assert _unknown("deliveries lost") == "lost"
    assert _unknown("sending pause --reason drill") is None


def test_queries_of_runbooks_run(sqlite_database):
    found = [query for page in _PAGES for query in _QUERY.findall(page.read_text("utf-8"))]
    assert len(found) >= 4
    with sqlite_database.read() as conn:
        for query in found:
            conn.exec_driver_sql(query)


def test_every_runbook_can_be_worked_through():
    parts = ("**Symptom.**", "**Meaning.**", "**Do**", "**Worry**")
    short = {
        shown(page): [part for part in parts if part not in page.read_text("utf-8")]
        for page in _PAGES
    }
    assert {name: missing for name, missing in short.items() if missing} == {}
