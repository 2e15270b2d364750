"""A ledger closes once, and none before the one below it: what else is told is odd."""

import pytest

from ingest.close_times import CloseTimes


def knowing(**other):
    times = CloseTimes(**other)
    times.learn("a", {10: 100, 20: 200})
    return times


@pytest.mark.parametrize("told", [{10: 100}, {15: 150}, {15: 100}, {15: 200}, {9: 1}, {21: 200}])
def test_what_fits_is_not_odd(told):
    assert knowing().odd(told) is None


@pytest.mark.parametrize(
    ("told", "known"),
    [({10: 101}, 10), ({15: 99}, 10), ({15: 201}, 20), ({9: 101}, 10), ({21: 199}, 20)],
)
def test_what_does_not_fit_names_the_ledger_that_it_does_not_go_with(told, known):
    odd = knowing().odd(told)
    assert (odd.known_ledger, odd.teller) == (known, "a")


def test_what_is_known_stays_as_it_was_first_told():
    times = knowing()
    times.learn("b", {10: 7})
    assert times.odd({10: 100}) is None


def test_what_somebody_told_can_be_forgotten():
    times = knowing()
    times.learn("b", {30: 300})
    times.forget(teller="a")
    assert times.odd({10: 1, 20: 2}) is None
    assert times.odd({30: 301}) is not None
    times.forget(ledger=30)
    assert times.odd({30: 301}) is None


def test_no_more_is_kept_than_the_last_some_thousands():
    times = knowing(most=3)
    times.learn("a", {30: 300, 40: 400})
    assert times.odd({10: 1}) is None
    assert times.odd({20: 1}) is not None
