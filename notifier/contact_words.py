"""Words about contacts themselves: the code that verifies one, and the news that one came or went.

They are short, name no account and no destination. What a kind says stands in
`templates/contacts/<kind>.jinja`, its translations in `locales/contacts/`; the files beside it lay that
out per channel.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from notifier import gsm
from notifier.content import EMAIL, SMS, Rendered
from notifier.languages import (
    GSM_LANGUAGES,
    LOCALES,
    catalogue,
    is_right_to_left,
    language_for,
    locale_for,
)
from notifier.rendering import TEMPLATES
from notifier.templating import speaking
from notifier.ways_out import WaysOut
from notifier.wording import UTC_NAME, moment_of, plain, soon_of, span_of

CODE: Final = "code"
ADDED: Final = "added"
REMOVED: Final = "removed"
KINDS: Final = (CODE, ADDED, REMOVED)
FOLDER: Final = "contacts"
_SAID: Final = ("subject", "what", "next", "care", "brief")
_MINUTE: Final = 60


class ContactWords(msgspec.Struct, frozen=True, array_like=True):
    """What a letter about a contact is made of; `channel`: of that contact. `at`: unix seconds.

    `language`: as the person asked for it. `time_zone`: IANA name. `token`: of the link that confirms it.
    """

    channel: str
    at: int
    language: str
    code: str = ""
    minutes: int = 0
    time_zone: str = UTC_NAME
    token: str = ""


class ContactRenderer:
    """Compiles each template once for each language."""

    def __init__(self, templates: Path = TEMPLATES, locales: Path = LOCALES) -> None:
        self._templates = templates / FOLDER
        self._locales = locales / FOLDER
        self._environment = cache(self._made)

    def render(
        self,
        kind: str,
        words: ContactWords,
        channel: str,
        out: WaysOut | None = None,
        link: str | None = None,
    ) -> Rendered:
        """The letter as a channel carries it: email, sms or push.

        `out`: where an email's foot leads; `link`: where it is confirmed. Raises as `Renderer.render`.
        """
        language = language_for(words.language)
        environment = self._environment(language)
        given = _given(words, language) | {"out": out, "link": link}
        macros: Any = environment.get_template(f"{kind}.jinja").make_module(given)
        given |= {part: plain(getattr(macros, part)()) for part in _SAID}
        text = environment.get_template(f"{channel}.txt").render(given)
        if channel == SMS and language in GSM_LANGUAGES:
            text = gsm.spelled(text)
        html = environment.get_template("email.html").render(given) if channel == EMAIL else None
        return Rendered(str(given["subject"]), text, html)

    def _made(self, language: str) -> SandboxedEnvironment:
        return speaking(FileSystemLoader(self._templates), catalogue(self._locales, language))


def _given(words: ContactWords, language: str) -> dict[str, object]:
    """What every template may ask for."""
    way = locale_for(words.language)
    return {
        "language": language,
        "rtl": is_right_to_left(language),
        "place": words.channel,
        "code": words.code,
        "span": span_of(max(words.minutes, 1) * _MINUTE, way),
        "at": moment_of(words.at, words.time_zone, way, exact=False),
        "soon": soon_of(words.at, words.time_zone, way),
    }
