"""The languages we speak: which one a person gets, how its dates and numbers are written, its catalogue.

English stands in the templates; every other language is `locales/<version>/<language>.po`, the form that
translators' tools read. A language that nobody has translated falls back: pt-BR, pt, en.
"""

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LOCALES = Path(__file__).parent / "locales"
SOURCE_LANGUAGE = "en"
LANGUAGES = ("en", "es", "fr", "pt", "de", "ar", "hi")
# An SMS in these fits the GSM alphabet, once accents that it lacks are left out.
GSM_LANGUAGES = frozenset({"en", "es", "fr", "pt", "de"})
# English that no region claims: day before month, 24 hours, as most of the world writes it.
_UNCLAIMED = {"en": "en-150"}


def language_for(wanted: str) -> str:
    """The nearest language that has words: pt-BR, else pt, else en."""
    for tag in _fallbacks(wanted):
        if tag in LANGUAGES:
            return tag
    return SOURCE_LANGUAGE


def locale_for(wanted: str) -> str:
    """How dates and numbers are written: the wanted region's way, where it speaks the language given."""
    language = language_for(wanted)
    for tag in _fallbacks(wanted):
        if tag.partition("-")[0] == language and _known(tag):
            return _UNCLAIMED.get(tag, tag)
    return _UNCLAIMED.get(language, language)


@cache
def locale(tag: str) -> Locale:
    """What the CLDR knows of a locale. Raises UnknownLocaleError or ValueError."""
    return Locale.parse(tag, sep="-")


def is_right_to_left(language: str) -> bool:
    """Whether the language is written from right to left."""
    return locale(language).text_direction == "rtl"


def catalogue(folder: Path, language: str) -> NullTranslations:
    """The words of a language, by the English ones. Raises OSError where the file is missing: a defect."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    with (folder / f"{language}.po").open("rb") as file:
        words = read_po(file, locale=language, abort_invalid=True)
    packed = BytesIO()
    write_mo(packed, words)
    packed.seek(0)
    return Translations(packed)


def _fallbacks(wanted: str) -> Iterator[str]:
    """The tag and what is left of it, subtag by subtag from its end."""
    parts = wanted.split("-")
    for length in range(len(parts), 0, -1):
        yield "-".join(parts[:length])


@cache
def _known(tag: str) -> bool:
    try:
        locale(tag)
    except (UnknownLocaleError, ValueError):
        return False
    return True
