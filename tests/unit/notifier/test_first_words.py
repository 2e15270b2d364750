"""Template version 1: what it sent still reads the same in the inbox, to the byte."""

import itertools

import pytest

from notifier.first_words import FIRST_VERSION, span
from notifier.news import CORRECTION, KINDS, REMINDER, REVISED
from notifier.rendering import Renderer
from tests.fakes.worded import CHANNELS, GOLDEN, ROLES, content

RENDERER = Renderer()
VARIANTS = [
    (kind, role, late)
    for kind, role, late in itertools.product(KINDS, ROLES, (False, True))
    if not (late and kind in (REVISED, CORRECTION)) and kind != REMINDER  # came with version 2
]


@pytest.mark.parametrize(("kind", "role", "late"), VARIANTS)
def test_the_words_of_the_first_version_never_change(kind: str, role: str, *, late: bool) -> None:
    made = content(kind, role, late=late)
    parts = []
    for channel in CHANNELS:
        words = RENDERER.render(made, channel, "en", FIRST_VERSION)
        parts += [f"=== {channel} ===", words.subject, "", words.text, ""]
    name = f"{FIRST_VERSION}.en.{kind}.{role}{'.late' if late else ''}.txt"
    assert (GOLDEN / name).read_text(encoding="utf-8") == "\n".join(parts)


def test_the_html_of_the_first_version_never_changes() -> None:
    words = RENDERER.render(content("paused"), "email", "en", FIRST_VERSION)
    golden = GOLDEN / f"{FIRST_VERSION}.en.paused.employee.html"
    assert words.html == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (59, "less than a minute"), (60, "1 minute"), (7199, "1 hour"),
     (7200, "2 hours"), (86_400, "1 day"), (200_000, "2 days")],
)  # fmt: skip
def test_a_span_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert span(seconds) == words
