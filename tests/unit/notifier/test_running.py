"""The loop of a role."""

import threading

import pytest

from notifier.running import run_until
from store.errors import ConnectionLost, FenceLost


def test_it_pauses_only_when_there_was_nothing_to_do() -> None:
    stop, calls = threading.Event(), []
    answers = iter([3, 0, 2, 0])

    def step() -> int:
        calls.append("step")
        return next(answers)

    def pause() -> None:
        calls.append("pause")
        if len(calls) == 6:
            stop.set()

    run_until(stop, step, pause=pause, role="test")
    assert calls == ["step", "step", "pause", "step", "step", "pause"]


def test_a_database_that_is_away_is_waited_out() -> None:
    stop, tries = threading.Event(), []

    def step() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionLost("away")
        stop.set()
        return 0

    run_until(stop, step, pause=stop.set, role="test")
    assert len(tries) == 3


def test_any_other_error_ends_the_role() -> None:
    def step() -> int:
        raise FenceLost(1)

    with pytest.raises(FenceLost):
        run_until(threading.Event(), step, pause=lambda: None, role="test")
