"""What no file of ours may say: places of one machine, package servers, promises, bare ignores."""

import re
from pathlib import Path

import pytest

from tests.house.repository import ROOT, shown, text_files

FORBIDDEN = {
    "a place on somebody's machine": r"(?<![\w.:/-])/(?:work|root|home|Users)/\w",
    "a server of packages": r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org",
    "a promise without an issue": r"\b(?:TODO|FIXME|XXX)\b(?!.*#\d)",
    "a type ignored without code and reason": r"type: ignore(?!\[[\w, -]+\]\s+#\s*\w)",
    "a lint rule silenced without its code": r"# noqa(?!: [A-Z]+\d)",
}
FILES = [file for file in text_files() if file != Path(__file__).resolve()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{shown(file)}:{number}: {line.strip()[:80]}"
        for file in FILES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_files_that_are_read_are_there():
    assert {ROOT / "README.md", ROOT / "config/layers.py", ROOT / ".ci/run"} <= set(FILES)
