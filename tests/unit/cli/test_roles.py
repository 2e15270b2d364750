"""Roles of a process: they run until told to stop, and one that ends by itself ends them all."""

import os
import signal
import threading

import pytest
from structlog.testing import capture_logs

from cli import roles
from cli.roles import Role, Roles, run_roles, stop_on_signals


class Witness:
    """A role that does as it should."""

    def __init__(self, name="witness"):
        self.ended = False
        self.role = Role(name, self.run)

    def run(self, stop):
        stop.wait(20)
        self.ended = stop.is_set()


def fail(stop):
    raise RuntimeError("the disk is on fire")


def end_early(stop):
    pass


def test_roles_run_until_told_to_stop():
    stop, first, second = threading.Event(), Witness("first"), Witness("second")
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    assert run_roles([first.role, second.role], stop) is True
    assert (first.ended, second.ended) == (True, True)
    timer.join()


@pytest.mark.parametrize(("wrong", "event"), [(fail, "role_failed"), (end_early, "role_ended")])
def test_a_role_that_ends_by_itself_stops_the_others_and_is_named(wrong, event):
    stop, other = threading.Event(), Witness()
    running = Roles([other.role, Role("wrong", wrong)], stop)
    with capture_logs() as logged:
        running.start()
        assert running.join() is False
    assert other.ended
    assert running.failed == ["wrong"]
    assert [(line["event"], line["role"]) for line in logged] == [(event, "wrong")]


def test_a_role_that_exits_the_interpreter_ends_the_process_too():
    def leave(stop):
        raise SystemExit(0)

    stop, other = threading.Event(), Witness()
    assert run_roles([other.role, Role("leaving", leave)], stop) is False
    assert other.ended


def test_a_role_that_would_not_stop_is_named_and_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(roles, "_JOIN_SECONDS", 0.05)
    stop, release = threading.Event(), threading.Event()
    stop.set()
    running = Roles([Role("deaf", lambda _: release.wait(20) and None)], stop)
    try:
        with capture_logs() as logged:
            running.start()
            assert running.join() is False
        assert running.failed == []
        assert [(line["event"], line["role"]) for line in logged] == [("role_stuck", "deaf")]
    finally:
        release.set()
        running._threads[0].join(5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_stop_and_the_handlers_are_put_back(number):
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        assert signal.getsignal(number) is not before
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert signal.getsignal(number) is before


def test_the_handlers_are_put_back_after_a_failure_too():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError), stop_on_signals():
        raise RuntimeError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
