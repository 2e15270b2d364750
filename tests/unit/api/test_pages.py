import base64

import msgspec
import pytest

from api.pages import KeyInt, Keyset, KeyText, KeyU64, page
from api.problems import INVALID_CURSOR, Problem
from domain.values import U64_MAX

STREAMS = Keyset("streams", tuple[KeyText, KeyU64])
PAUSES = Keyset("pauses:asc", tuple[KeyInt, KeyText])


def made(*parts: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(list(parts))).rstrip(b"=").decode()


@pytest.mark.parametrize("number", [0, 1, 2**53, 2**63, U64_MAX])
def test_a_cursor_returns_the_key_it_was_made_from(number: int) -> None:
    assert STREAMS.after(STREAMS.cursor(("CABC", number))) == ("CABC", number)


def test_without_a_cursor_a_list_starts_at_its_beginning() -> None:
    assert STREAMS.after(None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "@@@@",
        "é",
        "A" * 5000,
        made(),
        made(1, "streams"),
        made(1, "streams", ["CABC"]),
        made(1, "streams", ["CABC", "7"]),
        made(1, "streams", ["CABC", -1]),
        made(1, "streams", ["CABC", U64_MAX + 1]),
        made(1, "streams", ["CABC", 1.5]),
        made(1, "streams", ["C\x00", 7]),
        made(1, "streams", ["C" * 300, 7]),
        made(1, "streams", [None, 7]),
        made(1, "streams", {"contract_id": "CABC"}),
        base64.urlsafe_b64encode(b'[1,"streams",["\xff",7]]').decode(),
        base64.urlsafe_b64encode(b"[" * 300).decode(),
    ],
)
def test_a_cursor_that_nobody_made_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        STREAMS.after(cursor)
    assert refused.value.kind is INVALID_CURSOR
    assert "`cursor`" in refused.value.detail


@pytest.mark.parametrize("key", [(-(2**63) - 1, "x"), (2**63, "x"), ("1", "x"), (True, "x")])
def test_numbers_beyond_the_column_are_refused(key: object) -> None:
    with pytest.raises(Problem):
        PAUSES.after(made(1, "pauses:asc", key))


def test_a_cursor_of_another_list_or_version_is_refused() -> None:
    for cursor in (PAUSES.cursor((7, "x")), made(2, "streams", ["CABC", 7])):
        with pytest.raises(Problem, match="another list"):
            STREAMS.after(cursor)


def key_of(row: tuple[str, int]) -> tuple[str, int]:
    return row


def test_a_page_is_cut_to_its_limit_and_says_where_to_go_on() -> None:
    rows = [("C", 1), ("C", 2), ("C", 3)]
    shown, cursor = page(rows, 2, STREAMS, key_of)
    assert list(shown) == rows[:2]
    assert STREAMS.after(cursor) == ("C", 2)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_last_page_has_no_cursor(count: int) -> None:
    rows = [("C", number) for number in range(count)]
    assert page(rows, 2, STREAMS, key_of) == (rows, None)
