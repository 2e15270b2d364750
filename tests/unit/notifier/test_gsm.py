"""The GSM alphabet and its segments."""

import pytest

from notifier.gsm import is_gsm, segments, spelled


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # an escaped letter is not cut in two
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_networks_count_them(text: str, count: int) -> None:
    assert segments(text) == count


def test_what_the_alphabet_lacks_is_spelled_with_what_it_has() -> None:
    said = spelled(
        "«Su flujo» se pausó — “ya”… l\N{RIGHT SINGLE QUOTATION MARK}œuvre, garçon ãõ\N{NO-BREAK SPACE}5"
    )
    assert said == '"Su flujo" se pauso - "ya".. l\'oeuvre, garcon ao 5'
    assert is_gsm(said)


def test_what_it_has_is_left_alone_and_what_has_no_spelling_stays() -> None:
    kept = "äöüñ ÄÖÜÑ ß é è à ì ò ù £ ¿¡ €[]"
    assert spelled(kept) == kept
    assert spelled("中 क") == "中 क"
    assert not is_gsm(spelled("中"))
