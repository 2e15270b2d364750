"""The page's words in each of its languages, and which language a reader gets."""

import json
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = {
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "pt": "Português",
    "de": "Deutsch",
    "ar": "العربية",
    "hi": "हिन्दी",
}
RIGHT_TO_LEFT: Final = frozenset({"ar"})
DEFAULT: Final = "en"
_MOST_WISHES: Final = 20


@cache
def words(language: str) -> dict[str, str]:
    """The catalogue; what a language lacks is said in English."""
    text = files("api.web").joinpath("words", f"{language}.json").read_text(encoding="utf-8")
    own: dict[str, str] = json.loads(text)
    return own if language == DEFAULT else words(DEFAULT) | own


def chosen(wished: str | None, accepted: str) -> str:
    """The language asked for, else the first of `Accept-Language` that we speak, by its weights."""
    if wished in LANGUAGES:
        return wished
    weighed = []
    for place, wish in enumerate(accepted.split(",")[:_MOST_WISHES]):
        tag, _, weight = wish.partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    spoken = (language for _, _, language in sorted(weighed) if language in LANGUAGES)
    return next(spoken, DEFAULT)
