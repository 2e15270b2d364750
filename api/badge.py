"""A stream's status as a small SVG image, for a page, a wiki or a README."""

from typing import Final

# Of the status: its word, and a colour that white text is readable on (at least 4.5 to 1).
_SHOWN: Final = {
    "active": ("flowing", "#0b6e4f"),
    "paused": ("paused", "#a14a00"),
    "cancelled": ("cancelled", "#5f5a55"),
    "exhausted": ("exhausted", "#5f5a55"),
    "unknown": ("unknown", "#5f5a55"),
}
_GAP: Final = ("history incomplete", "#8a1c3b")
_LETTER: Final = 6.6  # of the font's average letter at 11 px
_ROOM: Final = 12
_HEIGHT: Final = 20


def badge(stream_id: int, status: str, *, contract_paused: bool, gap: bool) -> str:
    """The image. A gap is said instead of a status that may be wrong."""
    word, colour = _SHOWN.get(status, _SHOWN["unknown"])
    if contract_paused and status == "active":
        word, colour = "contract paused", _SHOWN["paused"][1]
    if gap:
        word, colour = _GAP
    name = f"stream {stream_id}"
    left, right = (round(len(text) * _LETTER) + _ROOM for text in (name, word))
    middle = _HEIGHT / 2 + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" '
        f'role="img" aria-label="{name}: {word}"><title>{name}: {word}</title>'
        f'<rect width="{left + right}" height="{_HEIGHT}" rx="4" fill="{colour}"/>'
        f'<path d="M4 0h{left - 4}v{_HEIGHT}H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4" fill="#2b2926"/>'
        '<g fill="#fff" font-family="system-ui,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="{middle}">{name}</text>'
        f'<text x="{left + right / 2}" y="{middle}">{word}</text></g></svg>'
    )
