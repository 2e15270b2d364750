"""The docs name every command, and the examples of the operators' pages run as they stand there."""

import base64
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import typer
from typer.core import TyperGroup
from typer.main import get_command

from api.preference_schemas import MyPreferences
from cli.main import app
from notifier.contact_file import HEADER, read_contacts
from notifier.schema import notice, recipient
from notifier.wishes import WISHES
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, created, paused
from tests.fakes.commands import Command
from tests.fakes.planning import MASTER_KEY, World
from tests.house.repository import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [ROOT / "docs/people.md", ROOT / "docs/operating.md"]


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command that does something, with the groups that it is in."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name))


def unnamed(text: str) -> list[str]:
    """The commands that a text does not name as one would type them."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    said = " ".join(text.split())
    return [
        name
        for name in commands(group)
        if re.search(rf"pausewire {re.escape(name)}(?![\w-])", said) is None
    ]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def test_the_docs_name_every_command():
    text = "\n".join(page.read_text() for page in PAGES)
    assert unnamed(text) == []
    assert unnamed(text.replace("pausewire notice why", "")) == ["notice why"]


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str
) -> Iterator[tuple[Command, dict[str, str]]]:
    """A deployment where somebody was told of a pause, and what the examples call them."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    monkeypatch.chdir(tmp_path)
    key = base64.b64encode(MASTER_KEY).decode()
    command = Command(monkeypatch, sqlite_url, STATE_DIR=tmp_path, SECRETS__MASTER_KEY=key)
    command.run("db", "upgrade")
    database = Database.open(sqlite_url)
    world = World(database)
    world.record(created(1), paused(2))
    world.plan()
    lookup = world.vault.account_lookup(EMPLOYEE)
    (row,) = world.rows(
        notice.select()
        .join(recipient, recipient.c.recipient_id == notice.c.recipient_id)
        .where(recipient.c.account_lookup == lookup)
    )
    database.close()
    names = {"ACCOUNT": EMPLOYEE, "EVENT": paused(2).event_id, "NOTICE": str(row.notice_id)}
    yield command, names
    structlog.configure(**before)


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_the_examples_run(page, told, tmp_path):
    command, names = told
    for text in blocks(page, "csv"):
        (tmp_path / "roster.csv").write_text(filled(text, names))
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    assert len(lines) > 5
    for line in lines:
        program, *arguments = shlex.split(filled(line, names))
        assert program == "pausewire"
        command.run(*arguments)


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"${name}", value)
    return text


def test_the_roster_of_the_docs_has_every_column_and_the_table_explains_each():
    page = EXAMPLES[0]
    (text,) = blocks(page, "csv")
    (line,) = read_contacts(iter(filled(text, {"ACCOUNT": EMPLOYEE}).splitlines(keepends=True)))
    assert all(line)
    cells = re.findall(r"^\| (`[^|]+`) \|", page.read_text(), re.MULTILINE)
    explained = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert explained == [*HEADER, *WISHES]


def test_the_body_of_preferences_is_one_that_the_api_takes_and_names_every_field():
    (body,) = blocks(EXAMPLES[0], "json")
    assert MyPreferences.model_validate_json(body).model_fields_set == set(
        MyPreferences.model_fields
    )
