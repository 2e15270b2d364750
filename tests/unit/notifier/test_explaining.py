"""Each state and reason has words of its own."""

import pytest

from notifier.explaining import explain
from notifier.states import MOVES


@pytest.mark.parametrize("state", MOVES)
def test_every_state_has_words(state: str) -> None:
    assert explain(state, None).text != state


def test_a_known_reason_is_said_and_an_unknown_one_is_quoted() -> None:
    assert explain("suppressed", "stop").text == "not sent: the person answered STOP"
    assert "START" in str(explain("suppressed", "stop").remedy)
    assert explain("failed", "moon_phase").text == "given up: moon_phase"
    assert explain("new_state", None).text == "new_state"


def test_what_waits_for_the_digest_says_until_when() -> None:
    text = "gathered for the person's daily digest"
    assert explain("held", "daily").text == text
    assert explain("held", "daily", until="tonight").text == f"{text} until tonight"
    assert "until" not in explain("held", "gathered", until="tonight").text
