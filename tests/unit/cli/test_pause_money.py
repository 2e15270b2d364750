"""What storage told of pay, in the amounts that people are told: never more than there is, or nothing."""

import msgspec
import pytest

from cli.pause_money import _money
from ingest.claimable.told import Earned
from notifier.content import Money


def earned(claimable, withdrawn, *, symbol="USDC", decimals=7):
    return _money(Earned("e", claimable, withdrawn, symbol, decimals))


def test_earned_is_what_could_be_taken_and_what_had_been():
    assert earned(10, 3) == Money("USDC", 7, earned=13, withdrawn=3)


def test_of_many_decimals_those_are_told_that_people_read():
    found = earned(1_234_567_890_123_456_789, 999, symbol="ETH", decimals=18)
    assert found == Money("ETH", 9, earned=1_234_567_890, withdrawn=0)


@pytest.mark.parametrize(
    "found",
    [
        earned(1, None),
        earned(1, 1, symbol=None),
        earned(1, 1, decimals=None),
        earned(2**127 - 1, 0, decimals=0),
        earned(1, 2**127 - 1),
        earned(-5, 2),
    ],
)
def test_what_is_not_known_or_too_much_for_words_is_not_told(found):
    assert found is None


def test_whatever_is_told_can_be_kept():
    for decimals in range(39):
        found = earned(2**127 - 1, 2**127 - 1, decimals=decimals)
        assert found is None or msgspec.msgpack.encode(found)
