"""Languages: fallbacks, and catalogues that hold what the templates say, no more and no less."""

import re
from io import BytesIO
from itertools import product
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from notifier.content import TEMPLATE_VERSION
from notifier.languages import (
    LANGUAGES,
    LOCALES,
    catalogue,
    is_right_to_left,
    language_for,
    locale_for,
)
from notifier.rendering import TEMPLATES

FOLDER = LOCALES / TEMPLATE_VERSION
API = Path(__file__).parents[3] / "api"
# Templates, and the catalogues of what they say.
SPOKEN = {
    "notices": (TEMPLATES / TEMPLATE_VERSION, FOLDER),
    "contacts": (TEMPLATES / "contacts", LOCALES / "contacts"),
    "pages": (API / "templates/links", API / "locales"),
}
EVERYWHERE = list(product(SPOKEN, LANGUAGES[1:]))
OPTIONS = {"extensions": "jinja2.ext.i18n", "trim_blocks": "true", "lstrip_blocks": "true"}


@pytest.mark.parametrize(
    ("wanted", "language", "written"),
    [
        ("en", "en", "en-150"),
        ("en-US", "en", "en-US"),
        ("pt-BR", "pt", "pt-BR"),
        ("pt-PT", "pt", "pt-PT"),
        ("de-AT", "de", "de-AT"),
        ("ar-EG", "ar", "ar-EG"),
        ("fr-XX", "fr", "fr"),
        ("zh-Hant-TW", "en", "en-150"),
        ("tlh", "en", "en-150"),
    ],
)
def test_a_language_falls_back_until_it_has_words(wanted: str, language: str, written: str) -> None:
    assert language_for(wanted) == language
    assert locale_for(wanted) == written


def test_only_arabic_is_written_from_the_right() -> None:
    assert [tag for tag in LANGUAGES if is_right_to_left(tag)] == ["ar"]


def said_in_templates(what: str) -> set[tuple[str | None, object]]:
    found = extract_from_dir(
        str(SPOKEN[what][0]),
        method_map=[("**", "jinja2")],
        options_map={"**": OPTIONS},
        keywords={"gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)},
    )
    return {(context, message) for _, _, message, _, context in found}


def entries(what: str, language: str):
    file = SPOKEN[what][1] / f"{language}.po"
    words = read_po(BytesIO(file.read_bytes()), abort_invalid=True)
    return words, [each for each in words if each.id]


@pytest.mark.parametrize(("what", "language"), EVERYWHERE)
def test_a_catalogue_has_each_sentence_of_the_templates_and_no_other(
    what: str, language: str
) -> None:
    words, found = entries(what, language)
    assert {(each.context, each.id) for each in found} == said_in_templates(what)
    assert words.obsolete == {}
    assert not [each.id for each in found if each.fuzzy]


@pytest.mark.parametrize(("what", "language"), EVERYWHERE)
def test_a_translation_is_whole_and_keeps_its_places(what: str, language: str) -> None:
    words, found = entries(what, language)
    for each in found:
        forms = each.string if isinstance(each.string, tuple) else (each.string,)
        singular = each.id if isinstance(each.id, str) else each.id[1]
        assert len(forms) == (words.num_plurals if isinstance(each.string, tuple) else 1)
        for form in forms:
            assert form.strip() == form != ""
            assert places(form) <= places(singular)
            if isinstance(each.id, str):
                assert places(form) == places(singular)
            assert not re.sub(r"%\(\w+\)s", "", form).count("%")


def places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s", text))


@pytest.mark.parametrize("what", SPOKEN)
def test_every_language_has_a_catalogue_and_every_catalogue_a_language(what: str) -> None:
    assert {file.stem for file in SPOKEN[what][1].glob("*.po")} == set(LANGUAGES[1:])


def test_a_missing_catalogue_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"de\.po"):
        catalogue(tmp_path, "de")


def test_arabic_counts_in_its_own_forms() -> None:
    words = catalogue(FOLDER, "ar")
    one, many = (
        "This pause is new or reads differently now:",
        "These %(num)s pauses are new or read differently now:",
    )
    assert len({words.ngettext(one, many, count) for count in (1, 2, 3, 11, 100)}) == 5
