"""Words from content: for a channel, in a language, by a version of the templates.

In: the content stored with a notice, its language and template version. Out: subject, text and, for
email, HTML.

What a kind says stands once, in `templates/<version>/<kind>.jinja`; the files beside it lay that out per
channel; `locales/<version>/` holds the translations. Whatever content carries is data: it is never a
template, and the words go into HTML as text.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from notifier import gsm
from notifier.content import EMAIL, EMPLOYEE, IN_APP, SMS, Content, Rendered, short
from notifier.digest_content import Digest
from notifier.first_words import FIRST_VERSION, FirstWords
from notifier.languages import (
    GSM_LANGUAGES,
    LOCALES,
    catalogue,
    is_right_to_left,
    locale_for,
)
from notifier.templating import speaking
from notifier.ways_out import WaysOut
from notifier.wording import Wording, comma_of, plain

TEMPLATES = Path(__file__).parent / "templates"


# Of what a kind's file says, what each channel has room for.
_SAID = {
    EMAIL: ("subject", "what", "money", "next", "brief"),
    IN_APP: ("subject", "what", "money", "next"),
}
_SHORT = ("subject", "brief")


class Renderer:
    """Compiles each template once for each language."""

    def __init__(self, templates: Path = TEMPLATES, locales: Path = LOCALES) -> None:
        self._templates = templates
        self._locales = locales
        self._first = FirstWords(templates)
        self._environment = cache(self._made)

    def render(
        self,
        content: Content,
        channel: str,
        language: str,
        version: str,
        out: WaysOut | None = None,
        *,
        repeats: bool = False,
    ) -> Rendered:
        """The words for a channel: email, sms, push or in_app; `out`: where an email's foot leads.

        `repeats`: an email says that it may have come before. Raises jinja2.TemplateError where a
        template is missing or at fault, OSError where a catalogue is missing: defects.
        """
        if version == FIRST_VERSION:
            return self._first.render(content, channel)
        environment = self._environment(version, language)
        given = _given(content, language, out) | {"repeats": repeats}
        given |= _words(environment, content, channel, given)
        return _laid_out(environment, channel, language, given)

    def render_digest(
        self,
        digest: Digest,
        channel: str,
        language: str,
        version: str,
        out: WaysOut | None = None,
        *,
        repeats: bool = False,
    ) -> Rendered:
        """The words of a digest: email, sms or push. Raises as `render`."""
        environment = self._environment(version, language)
        given = _given(digest.content, language, out) | {"repeats": repeats}
        given |= {
            name: getattr(digest, name)
            for name in ("paused", "resumed", "cancelled", "reminded", "more")
        }
        given["comma"] = comma_of(language)
        since = digest.since
        given["since"] = None if since is None else _since(digest.content, language, since)
        given |= _words(environment, digest.content, channel, given)
        if channel == EMAIL:
            given["pauses"] = [_line(environment, each, language) for each in digest.lines]
        return _laid_out(environment, channel, language, given)

    def _made(self, version: str, language: str) -> SandboxedEnvironment:
        words = catalogue(self._locales / version, language)
        return speaking(FileSystemLoader(self._templates / version), words)


def _given(content: Content, language: str, out: WaysOut | None = None) -> dict[str, object]:
    """What every template may ask for."""
    wording = Wording(content, content.locale or locale_for(language))
    return {
        "c": content,
        "out": out,
        "f": wording,
        "language": language,
        "rtl": is_right_to_left(language),
        "employee": content.role == EMPLOYEE,
        "stream": str(content.stream_id),
        "contract": short(content.contract_id),
        "at": wording.at(content.happened_at),
        "soon": wording.soon(content.happened_at),
    }


def _since(content: Content, language: str, at: int) -> str:
    return Wording(content, content.locale or locale_for(language)).at(at)


def _laid_out(
    environment: SandboxedEnvironment, channel: str, language: str, given: Mapping[str, object]
) -> Rendered:
    text = environment.get_template(f"{channel}.txt").render(given)
    if channel == SMS and language in GSM_LANGUAGES:
        text = gsm.spelled(text)
    html = environment.get_template("email.html").render(given) if channel == EMAIL else None
    return Rendered(str(given["subject"]), text, html)


def _line(environment: Environment, content: Content, language: str) -> str:
    """One of a digest's news: what happened, when, and how to ask about it."""
    given = _given(content, language)
    kind = environment.get_template(f"{content.kind}.jinja").make_module(given)
    subject = kind.subject()  # type: ignore[attr-defined] # a macro
    return f"{plain(subject)} · {given['soon']} · {plain(content.reference)}"


def _words(
    environment: Environment, content: Content, channel: str, given: Mapping[str, object]
) -> dict[str, object]:
    """What is said, in plain text, before it is laid out; of `rows`, label and value."""
    template = environment.get_template
    kind = template(f"{content.kind}.jinja").make_module(dict(given))
    words: dict[str, object] = {
        part: plain(getattr(kind, part)()) for part in _SAID.get(channel, _SHORT)
    }
    if content.network is not None:
        # At the end where one reads from the right: the first letter sets a plain line's direction.
        marked = (f"[{plain(content.network)}]", words["subject"])
        words["subject"] = " ".join(map(str, reversed(marked) if given["rtl"] else marked))
    if channel in _SAID:
        pause = template("_pause.txt")
        words["pauses"] = [plain(pause.render(given, pause=each)) for each in content.pauses]
    if channel == EMAIL:
        rows = template("_rows.jinja").render(given).strip().split("\n")
        words["rows"] = [[plain(cell) for cell in row.split("\t")] for row in rows]
        words["before"] = plain(template("_repeats.txt").render(given)) if given["repeats"] else ""
        words["footer"] = plain(template("_footer.txt").render(given))
    return words
