"""Pages for people: the OpenAPI document as `/docs`, and each kind of problem.

FastAPI's own page loads scripts from a content network; this one needs nothing but itself, so it works
offline and under a policy that allows no scripts.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt

from api.problem_kind import ProblemKind

METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[Mapping[str, Any]]
    request: str | None
    answer: str | None
    problems: list[str]


def operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Every operation by its tag, in the document's order."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                spec = methods[method]
                operation = _operation(document, method, path, spec)
                found.setdefault(spec["tags"][0], []).append(operation)
    return found


def rendered(document: Mapping[str, Any]) -> str:
    """The page of the whole API."""
    return _render("docs.html", info=document["info"], tags=operations(document))


def rendered_problem(kind: ProblemKind) -> str:
    """The page of one kind of problem."""
    return _render("problem.html", kind=kind)


def style_policy() -> str:
    """The source of the page's one style sheet, for a Content-Security-Policy."""
    digest = hashlib.sha256(style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def style() -> str:
    """The page's style sheet."""
    return files("api").joinpath("templates", "docs.css").read_text(encoding="utf-8")


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("api", "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["markdown"] = _markdown
    return environment.get_template(template).render(style=style(), **values)


def _markdown(text: str) -> str:
    """CommonMark to HTML; HTML within it is shown, not obeyed."""
    html: str = MarkdownIt("commonmark", {"html": False}).render(text)
    return html


def _operation(
    document: Mapping[str, Any], method: str, path: str, spec: Mapping[str, Any]
) -> Operation:
    answers = spec["responses"]
    request = spec.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=spec.get("summary", ""),
        description=spec.get("description", ""),
        scope=_scope(spec),
        parameters=spec.get("parameters", []),
        request=_example(document, request),
        answer=_example(
            document, answers.get("200", {}).get("content", {}).get("application/json", {})
        ),
        problems=sorted(_problems(answers)),
    )


def _scope(spec: Mapping[str, Any]) -> str:
    scopes = [
        scope for way in spec.get("security", []) for needed in way.values() for scope in needed
    ]
    return ", ".join(scopes) or "none: no key needed"


def _example(document: Mapping[str, Any], content: Mapping[str, Any]) -> str | None:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    examples = document["components"]["schemas"].get(name, {}).get("examples")
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else None


def _problems(answers: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in answers.items():
        for slug in (
            answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
        ):
            yield f"{status} {slug}"
