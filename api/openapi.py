"""The OpenAPI document: what FastAPI derives from the routes, and the problems that it does not know."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter

from api.feed_schemas import BannerMessage, FeedMessage, InboxMessage, Resync
from api.people_problems import BODY_TOO_SLOW
from api.problems import BODY_TOO_LARGE, KINDS, ProblemDocument, documented
from api.schemas import ChainAnswer
from api.shown import Documented

TITLE: Final = "Pausewire"
# What the way in answers to any body, before a route sees it (middleware.py, time_limits.py).
_OF_BODIES: Final = {
    str(status): answer for status, answer in documented(BODY_TOO_SLOW, BODY_TOO_LARGE).items()
}
DESCRIPTION: Final = """\
Pause histories of payment streams on Stellar, and the notices about them.

- **Keys.** Send `Authorization: Bearer <key>`; `pausewire keys create` makes one. Each route names its
  scope.
- **Lists** answer `{"items", "next_cursor"}`; pass `next_cursor` as `cursor` until it is null.
- **Freshness.** Answers about the chain carry `fresh_to_ledger` (also in the header
  `Pausewire-Fresh-To-Ledger`, on 304 too), `completeness` and an `ETag` for `If-None-Match`.
- **Numbers.** 64-bit ids and amounts are strings; amounts count the token's base unit; times are
  RFC 3339 in UTC.
- **Errors** are RFC 9457 `application/problem+json`:

"""


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The app's own document, made once, with the schema of problems and whole examples put in."""
    derive = app.openapi

    def openapi() -> dict[str, Any]:
        schema = derive()
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in components:
            problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            components |= problem.pop("$defs") | {"Problem": problem} | _of_the_feed()
            for operation in _with_bodies(schema):
                operation["responses"] |= _OF_BODIES
            for name, example in [*_examples(Documented), *_examples(ChainAnswer)]:
                components[name] |= example  # FastAPI drops the nulls of examples
        return schema

    return openapi


def _with_bodies(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The operations that take a body."""
    for methods in schema["paths"].values():
        yield from (each for each in methods.values() if "requestBody" in each)


def _of_the_feed() -> dict[str, Any]:
    """What a message of the feed holds: no route answers it as JSON, so FastAPI does not see it."""
    return {
        kind.__name__: TypeAdapter(kind).json_schema(mode="serialization")
        for kind in (FeedMessage, Resync, BannerMessage, InboxMessage)
    }


def _examples(kind: type) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of every whole answer or body of a kind, and its example."""
    model: Any
    for model in kind.__subclasses__():
        config = getattr(model, "model_config", None) or model.__pydantic_config__
        yield model.__name__, config["json_schema_extra"]
        yield from _examples(model)


def description() -> str:
    """The document's introduction, with every kind of problem."""
    return DESCRIPTION + "\n".join(
        f"  - `{kind.type}` ({kind.status}): {kind.title}. {kind.meaning}" for kind in KINDS
    )
