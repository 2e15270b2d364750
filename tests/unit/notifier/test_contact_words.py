"""Letters about contacts read in every language on every channel, short, and name nobody."""

import itertools

import msgspec
import pytest

from notifier import gsm
from notifier.contact_words import CODE, KINDS, ContactRenderer, ContactWords
from notifier.languages import GSM_LANGUAGES, LANGUAGES
from tests.fakes.worded import (
    AT,
    OUT,
    contact_variants,
    golden_contact_file,
    golden_contact_html,
    golden_contacts,
)

RENDERER = ContactRenderer()
GSM_SEGMENTS, UCS2_SEGMENTS = 1, 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_stand_in_the_golden_files(language: str) -> None:
    """`python -m tests.fakes.worded` writes new ones."""
    golden = golden_contact_file(language, "txt").read_text(encoding="utf-8")
    assert golden_contacts(RENDERER, language) == golden
    html = golden_contact_file(language, "html").read_text(encoding="utf-8")
    assert golden_contact_html(RENDERER, language) == html


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_stays_within_its_segments_and_a_code_costs_one(language: str) -> None:
    for kind, _, made in contact_variants():
        words = msgspec.structs.replace(made, language=language)
        text = RENDERER.render(kind, words, "sms").text
        plain = language in GSM_LANGUAGES
        assert gsm.is_gsm(text) == plain, text
        most = 1 if kind == CODE else (GSM_SEGMENTS if plain else UCS2_SEGMENTS)
        assert gsm.segments(text) <= most, text
        assert text.startswith("Pausewire: ")
        assert "\n" not in text


@pytest.mark.parametrize(("language", "kind"), list(itertools.product(LANGUAGES, KINDS)))
def test_the_code_stands_in_its_own_letter_only_and_is_the_same_in_each_alphabet(language, kind):
    code = {"code": "040917", "minutes": 15} if kind == CODE else {}
    words = ContactWords("email", AT, language, **code)
    for channel in ("email", "sms", "push"):
        said = RENDERER.render(kind, words, channel, OUT)
        assert said.subject
        assert ("040917" in said.text) == (kind == CODE)
    html = str(said.html or RENDERER.render(kind, words, "email", OUT).html)
    assert ("040917" in html) == (kind == CODE)
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html
    for remote in ("<img", "<script", "<link", "url(", "src="):
        assert remote not in html


def test_no_language_leaves_a_letter_in_english() -> None:
    for kind in KINDS:
        said = {
            RENDERER.render(kind, ContactWords("sms", AT, language, "1", 15), "sms").text
            for language in LANGUAGES
        }
        assert len(said) == len(LANGUAGES)


def test_a_language_without_words_gets_english_and_a_region_its_own_dates() -> None:
    assert "is your code" in RENDERER.render(CODE, ContactWords("sms", AT, "tlh", "1"), "sms").text
    american = ContactWords("email", AT, "en-US", time_zone="America/St_Johns")
    assert "September 21, 2026, 11:43" in RENDERER.render("added", american, "email").text


def test_a_letter_queued_before_time_zones_were_kept_is_still_read() -> None:
    stored = msgspec.msgpack.encode(["sms", AT, "en", "040917", 15])
    assert msgspec.msgpack.decode(stored, type=ContactWords).time_zone == "UTC"
