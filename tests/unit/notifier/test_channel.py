"""The far side's words: kept short, without the destination, as text that every database takes."""

import pytest

from notifier.channels.channel import DETAIL_CHARACTERS, quoted


def test_words_that_are_no_utf_8_become_text():
    words = b"2.0.0 f\xfcr\r\n dich \0 da".decode("utf-8", "surrogateescape")
    kept = quoted(words)
    assert kept == "2.0.0 f r dich da"
    assert kept.encode()


@pytest.mark.parametrize(
    ("words", "destination"),
    [
        ("550 <ANA@Example.Test> unknown", "ana@example.test"),
        ("'To' number 15550100001 is not valid", "+15550100001"),
    ],
)
def test_a_destination_is_left_out_however_it_is_written(words, destination):
    kept = quoted(words, destination)
    assert "<destination>" in kept
    assert destination.lstrip("+") not in kept.lower()


def test_words_are_cut():
    assert len(quoted("x" * 5000)) == DETAIL_CHARACTERS
