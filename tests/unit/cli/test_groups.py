"""Commands are loaded when they are asked for, each from the module that the table names."""

import subprocess
import sys

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_command

from cli.groups import GroupOnDemand
from cli.main import Commands, app

HEAVY = {"fastapi", "alembic", "simulator", "sqlalchemy.orm", "stellar_sdk"}
# Loads a command's module as the entry point does, then what its process runs.
LOADED = """
import importlib, sys
import cli.main
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sys.modules)
"""


def loaded(*modules):
    program = (sys.executable, "-c", LOADED, *modules)
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "modules",
    [
        ["cli.processes", "cli.notifying"],
        ["cli.processes", "cli.indexing"],
        ["cli.database"],
        ["cli.status"],
    ],
    ids=lambda modules: modules[-1],
)
def test_what_a_command_has_no_use_for_is_not_loaded(modules):
    assert loaded(*modules) & HEAVY == set()


def test_the_entry_point_alone_loads_no_command():
    found = {name for name in loaded() if name.startswith("cli.")}
    assert found == {"cli.main", "cli.groups", "cli.output"}


def test_every_command_of_the_table_is_there_under_its_name():
    group = get_command(app)
    assert isinstance(group, GroupOnDemand)
    context = typer.Context(group)
    assert group.list_commands(context) == list(Commands.modules)
    for name in Commands.modules:
        command = group.get_command(context, name)
        assert command is not None, name
        assert command.name == name
        assert command.get_short_help_str(), name


def test_a_name_that_is_not_there_is_none_and_one_may_be_added():
    group = get_command(app)
    context = typer.Context(group)
    assert group.get_command(context, "statu") is None
    group.add_command(TyperCommand("more"))
    assert "more" in group.list_commands(context)
    assert len(group.commands) == len(Commands.modules) + 1
    del group.commands["more"]
    assert "more" not in group.commands
