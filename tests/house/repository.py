"""The repository as the house tests read it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {
    ".coverage",
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "dist",
    "htmlcov",
    "node_modules",
    "var",
}
TEXT_SUFFIXES = {
    ".css",
    ".html",
    ".ini",
    ".js",
    ".md",
    ".py",
    ".toml",
    ".ts",
    ".txt",
    ".yaml",
    ".yml",
}
TEXT_NAMES = {".gitignore", "Makefile", "run"}


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages() -> list[str]:
    """The top-level packages, by what stands on disk."""
    return sorted(file.parent.name for file in ROOT.glob("*/__init__.py"))


def product_files() -> list[Path]:
    return [file for name in packages() for file in sorted((ROOT / name).rglob("*.py"))]


def text_files() -> list[Path]:
    files = (ROOT / path for path in _walk(ROOT))
    return [file for file in files if file.suffix in TEXT_SUFFIXES or file.name in TEXT_NAMES]


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in NOT_OURS:
            continue
        if entry.is_dir():
            yield from _walk(entry)
        else:
            yield entry


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def make_targets() -> dict[str, str]:
    """Each target of the Makefile with its description."""
    described = r"^([a-z0-9]+):[^#\n]*## (.+)$"
    return dict(re.findall(described, (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
