"""Where code stands, and how much of it stands in one place."""

import ast
import re

from tests.house.repository import (
    ROOT,
    functions,
    packages,
    parsed,
    product_files,
    pyproject,
    shown,
)

MOST_LINES_OF_A_FILE = 250
MOST_LINES_OF_A_FUNCTION = 40
SAY_NOTHING = {"utils", "helpers", "common", "core", "service", "manager", "base", "misc"}


def test_every_package_is_known_to_wheel_types_coverage_imports_and_make():
    project = pyproject()
    tool = project["tool"]
    known = {
        "wheel": tool["hatch"]["build"]["targets"]["wheel"]["packages"],
        "mypy": tool["mypy"]["packages"],
        "coverage": tool["coverage"]["run"]["source"],
        "import-linter": tool["importlinter"]["root_packages"],
        "Makefile": re.findall(
            r"^PACKAGES := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
        )[0].split(),
    }
    assert {name: sorted(names) for name, names in known.items()} == dict.fromkeys(
        known, packages()
    )


def test_every_package_has_its_layer():
    (layers,) = (
        contract["layers"]
        for contract in pyproject()["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    assert sorted(name for layer in layers for name in layer.split(" | ")) == packages()


def test_a_file_holds_one_idea():
    long = {shown(file): len(file.read_text().splitlines()) for file in product_files()}
    assert {name: n for name, n in long.items() if n > MOST_LINES_OF_A_FILE} == {}


def test_a_function_fits_one_screen():
    """A migration is exempt: it lists tables, and is never changed once it has run."""
    migrations = ROOT / "store" / "migrations"
    long = {
        f"{shown(file)}: {function.name}": lines
        for file in product_files()
        if migrations not in file.parents
        for function in functions(parsed(file))
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_every_module_begins_with_its_idea():
    missing = [shown(file) for file in product_files() if not ast.get_docstring(parsed(file))]
    assert missing == []


def test_a_package_does_nothing_when_imported():
    full = [
        shown(file)
        for file in product_files()
        if file.name == "__init__.py" and len(parsed(file).body) != 1
    ]
    assert full == []


def test_modules_are_named_for_what_they_do():
    named = [
        shown(file)
        for file in product_files()
        if SAY_NOTHING & {file.stem, *file.relative_to(ROOT).parts}
    ]
    assert named == []
