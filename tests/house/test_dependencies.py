"""What we depend on: declared, explained, locked."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.house.repository import ROOT, parsed, pyproject

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
DECISION = ROOT / "docs/decisions/0003-dependencies.md"
DOMAIN_MAY_IMPORT = {"domain", "msgspec", *sys.stdlib_module_names}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*, dev: bool) -> set[str]:
    project = pyproject()["project"]
    return names(project["dependencies"] + (project["optional-dependencies"]["dev"] if dev else []))


def optional() -> set[str]:
    """What a deployment may install besides; the rest is for tests."""
    extras = pyproject()["project"]["optional-dependencies"]
    ours = {"dev", "browser", "bench"}
    return names([line for extra, lines in extras.items() if extra not in ours for line in lines])


def names(lines: list[str]) -> set[str]:
    return {normal(re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0]) for line in lines}


def locked(file: Path) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", file.read_text(), re.MULTILINE)
    return {normal(name): version for name, version in pins}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_a_lock_file_names_no_server(lock: Path):
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda file: file.name)
def test_every_locked_version_has_its_hashes(lock: Path):
    pins = re.split(r"\n(?=[a-z])", lock.read_text().split("\n", 2)[2])
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_locks_hold_what_is_declared():
    assert declared(dev=False) <= set(locked(ROOT / "requirements/runtime.txt"))
    assert declared(dev=True) <= set(locked(ROOT / "requirements/dev.txt"))


def test_development_runs_on_the_versions_of_production():
    dev = locked(ROOT / "requirements/dev.txt")
    runtime = locked(ROOT / "requirements/runtime.txt")
    assert {name: dev.get(name) for name in runtime} == runtime


def test_every_dependency_is_explained():
    rows = re.findall(r"^\| ([a-z][a-z0-9-]+) \|", DECISION.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted({"package", *declared(dev=False), *optional()})


def test_what_is_optional_is_there_in_development_and_not_in_production():
    assert optional() <= declared(dev=True)
    assert not optional() & set(locked(ROOT / "requirements/runtime.txt"))


def test_domain_imports_the_standard_library_and_msgspec_only():
    foreign = {
        f"{file.name}: {name}"
        for file in (ROOT / "domain").rglob("*.py")
        for name in imported(parsed(file))
        if name.partition(".")[0] not in DOMAIN_MAY_IMPORT
    }
    assert foreign == set()


def imported(tree: ast.Module) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names
