"""Words about contacts themselves: the code that verifies one, and the news that one came or went.

They are short, name no account and no destination, and stand in `templates/contacts/<language>/`, a file
of macros for each kind; a language without one gets English.
"""

from typing import Any, Final, NamedTuple

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from notifier.content import EMAIL, Rendered, flat
from notifier.first_words import minute
from notifier.rendering import TEMPLATES

CODE: Final = "code"
ADDED: Final = "added"
REMOVED: Final = "removed"
KINDS: Final = (CODE, ADDED, REMOVED)
_FOLDER: Final = TEMPLATES / "contacts"
_FIRST_LANGUAGE: Final = "en"
_PLACES: Final = {"email": "email address", "sms": "phone number", "push": "device"}


class ContactWords(msgspec.Struct, frozen=True, array_like=True):
    """What a letter about a contact is made of; `channel`: of that contact. `at`: unix seconds."""

    channel: str
    at: int
    language: str
    code: str = ""
    minutes: int = 0


class _Said(NamedTuple):
    code: str
    minutes: int
    what: str
    when: str


class ContactRenderer:
    """Compiles each template once."""

    def __init__(self) -> None:
        self._environment: Environment = SandboxedEnvironment(
            loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, auto_reload=False
        )

    def render(self, kind: str, words: ContactWords, channel: str) -> Rendered:
        """The letter as a channel carries it: email as sentences, others as one line."""
        said = _Said(
            words.code, words.minutes, _PLACES.get(words.channel, words.channel), minute(words.at)
        )
        macros: Any = self._template(kind, words.language).module
        subject = flat(str(macros.subject(said)))
        if channel == EMAIL:
            return Rendered(subject, str(macros.text(said)).strip() + "\n")
        return Rendered(subject, flat(str(macros.brief(said))))

    def _template(self, kind: str, language: str) -> Template:
        names = [f"{tag}/{kind}.jinja" for tag in (language, language[:2], _FIRST_LANGUAGE)]
        return self._environment.select_template(names)
