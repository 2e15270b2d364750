"""An alarm in the indexer's log is named by a runbook: who reads it at night finds what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.repository import ROOT

_RUNBOOKS = ROOT / "docs" / "runbooks"
# Warnings that ask somebody to look as well.
_WARNINGS_TOO = {
    "chain_not_proven",
    "cross_check_impossible",
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
