"""Pages say what is: settings, make targets, variables, links."""

import re
from pathlib import Path

import pytest
import yaml

from config.catalogue import entries
from config.reference import markdown
from tests.house.repository import ROOT, make_targets, shown, text_files

PAGES = [file for file in text_files() if file.suffix == ".md"]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
TARGETS = {
    "setup",
    "run",
    "test",
    "check",
    "e2e",
    "browser",
    "tools",
    "bench",
    "lock",
    "services",
    "words",
    "docs",
    "client",
    "help",
}
NOT_SETTINGS = ("PAUSEWIRE_TEST_", "PAUSEWIRE_…", "PAUSEWIRE_<")
OF_CLIENTS = {f"PAUSEWIRE_{name}" for name in ("URL", "KEY", "CONTRACT", "STREAM")}


def test_the_settings_page_is_what_make_docs_writes():
    assert (ROOT / "docs/settings.md").read_text() == markdown()


def test_the_settings_page_names_every_setting():
    page = (ROOT / "docs/settings.md").read_text()
    assert [key for key in entries() if f"| `{key}` |" not in page] == []


def test_make_offers_its_targets_and_describes_each():
    assert set(make_targets()) == TARGETS
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert set(phony.group(1).split()) == TARGETS


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_page_names_make_targets_that_exist(page: Path):
    named = set(re.findall(r"(?:^|`)make ([a-z0-9]+)(?=[`\s])", page.read_text(), re.MULTILINE))
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_page_names_variables_that_exist(page: Path):
    known = {entry.variable for entry in entries().values()}
    known |= {f"{entry.variable}_FILE" for entry in entries().values() if entry.secret}
    known |= OF_CLIENTS if "clients" in page.parts else set()
    named = set(re.findall(r"PAUSEWIRE_[^\s=`),]+", page.read_text()))
    assert {name for name in named - known if not name.startswith(NOT_SETTINGS)} == set()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_page_links_to_files_that_exist(page: Path):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_decisions_are_numbered_one_after_the_other():
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=shown)
def test_a_decision_is_one_page_with_its_five_parts(page: Path):
    text = page.read_text()
    assert text.startswith(f"# {int(page.name[:4])}. ")
    parts = [
        "**Context.**",
        "**Decision.**",
        "**Consequences.**",
        "**Alternatives.**",
        "**Enforced by**",
    ]
    assert [part for part in parts if part not in text] == []
    assert text.startswith(f"# {int(page.name[:4])}. ")


def test_only_development_has_secrets_in_its_file():
    secrets = {entry.key for entry in entries().values() if entry.secret} - {
        "database.url",
        "network.rpc_urls",
    }
    for file in (ROOT / "config/environments").glob("*.yaml"):
        document = yaml.safe_load(file.read_text()) or {}
        given = {f"{section}.{name}" for section, fields in document.items() for name in fields}
        assert file.stem == "development" or not given & secrets


def test_whoever_may_call_back_is_named_by_the_route_and_on_the_page_of_the_api():
    sources = sorted((ROOT / "notifier/callbacks").glob("*.py"))
    named = r'^class \w+:\n    """.*\n\n    name = "([a-z-]+)"$'
    providers = re.findall(named, "\n".join(map(Path.read_text, sources)), re.MULTILINE)
    assert len(providers) == len(set(providers)) >= 6
    document = (ROOT / "clients/openapi.json").read_text()
    (said,) = set(re.findall(r'"description": "who calls back: ([^"]+)"', document))
    assert set(re.findall(r"`([a-z-]+)`", said)) == set(providers)
    page = (ROOT / "docs/api.md").read_text()
    assert [each for each in providers if f"\n| `{each}` |" not in page] == []
