"""The words of template version 1: English only, times in UTC.

Kept because notices planned under it still read in the inbox, the same to the byte.
"""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from notifier.content import EMAIL, Content, Rendered, flat, short

FIRST_VERSION = "1"
_LANGUAGE = "en"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


class _Templates(SandboxedEnvironment):
    """Templates name each other within their own folder."""

    def join_path(self, template: str, parent: str) -> str:
        """The neighbour's path."""
        return f"{parent.rpartition('/')[0]}/{template}"


class FirstWords:
    """Compiles each template once."""

    def __init__(self, templates: Path) -> None:
        self._environment = _Templates(
            loader=FileSystemLoader(templates),
            undefined=StrictUndefined,
            auto_reload=False,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            flat=flat, minute=minute, moment=moment, span=span, short=short
        )

    def render(self, content: Content, channel: str) -> Rendered:
        """The words for a channel. Raises jinja2.TemplateError: a defect."""

        def laid_out(layout: str) -> str:
            template = self._environment.get_template(f"{FIRST_VERSION}/{_LANGUAGE}/{layout}")
            return template.render(c=content, words_file=f"{content.kind}.jinja")

        html = laid_out("email.html") if channel == EMAIL else None
        return Rendered(laid_out("subject.txt"), laid_out(f"{channel}.txt"), html)


def minute(at: int) -> str:
    """A time for a sentence: 12 May 2026, 14:03 UTC."""
    time = datetime.fromtimestamp(at, UTC)
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year}, {time:%H:%M} UTC"


def moment(at: int) -> str:
    """A time for the record, to the ledger clock's second."""
    time = datetime.fromtimestamp(at, UTC)
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year}, {time:%H:%M:%S} UTC"


def span(seconds: int) -> str:
    """A length of time in its largest whole unit: 6 hours."""
    for size, unit in _UNITS:
        count = seconds // size
        if count:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "less than a minute"
