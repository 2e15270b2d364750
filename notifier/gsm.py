"""What an SMS costs: the GSM 7-bit alphabet (3GPP TS 23.038), and in how many segments a text travels.

One letter outside the alphabet makes the whole text UCS-2, which more than halves what a segment holds.
So accents that the alphabet lacks are left out where the language reads well without them.
"""

import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€")  # each behind an escape: two places
_SPELLED = {
    "…": "..",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "«": '"',
    "»": '"',
    "ç": "c",
    "œ": "oe",
    "Œ": "OE",
}
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


def is_gsm(text: str) -> bool:
    """Whether the text fits the alphabet."""
    return all(letter in _BASIC or letter in _EXTENSION for letter in text)


def spelled(text: str) -> str:
    """The text in the alphabet as far as it goes: quotes made plain, accents that it lacks left out."""
    return "".join(_spelled(letter) for letter in text)


def _spelled(letter: str) -> str:
    if letter in _BASIC or letter in _EXTENSION:
        return letter
    if letter in _SPELLED:
        return _SPELLED[letter]
    if letter.isspace():
        return " "
    bare = unicodedata.normalize("NFKD", letter)[0]
    return bare if bare in _BASIC else letter


def segments(text: str) -> int:
    """In how many parts it is sent and paid for."""
    if is_gsm(text):
        return _parts([2 if letter in _EXTENSION else 1 for letter in text], GSM_SINGLE, GSM_PART)
    units = [len(letter.encode("utf-16-be")) // 2 for letter in text]
    return _parts(units, UCS2_SINGLE, UCS2_PART)


def _parts(places: list[int], single: int, part: int) -> int:
    """No letter is cut in two: what does not fit begins the next part."""
    if sum(places) <= single:
        return 1
    count, used = 1, 0
    for size in places:
        if used + size > part:
            count, used = count + 1, 0
        used += size
    return count
