"""The preview of notices as HTML: one kind, each language beside the others, with what an SMS costs."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from notifier.content import TEMPLATE_VERSION, Rendered
from notifier.gsm import segments
from notifier.languages import LANGUAGES, is_right_to_left, locale
from notifier.news import KINDS
from notifier.preview import ROLES, sample
from notifier.rendering import Renderer


def rendered(renderer: Renderer, kind: str, role: str) -> str:
    """The page."""
    shown = [_language(renderer, language, kind, role) for language in LANGUAGES]
    return _template().render(kind=kind, role=role, kinds=KINDS, roles=ROLES, shown=shown)


def mail(renderer: Renderer, language: str, kind: str, role: str) -> str:
    """The HTML of the email alone."""
    return str(_worded(renderer, language, kind, role, "email").html)


def _language(renderer: Renderer, language: str, kind: str, role: str) -> dict[str, Any]:
    texts = {
        channel: _worded(renderer, language, kind, role, channel).text
        for channel in ("sms", "push", "in_app", "email")
    }
    return {
        "language": language,
        "name": locale(language).get_display_name(),
        "direction": "rtl" if is_right_to_left(language) else "ltr",
        "subject": _worded(renderer, language, kind, role, "push").subject,
        "texts": texts,
        "segments": segments(texts["sms"]),
    }


def _worded(renderer: Renderer, language: str, kind: str, role: str, channel: str) -> Rendered:
    return renderer.render(sample(kind, role), channel, language, TEMPLATE_VERSION)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("api", "templates"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("preview.html")
