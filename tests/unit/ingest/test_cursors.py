"""Cursors: where they stand, and what of their ledger they have passed."""

import pytest

from ingest.cursors import is_window_end, ledger_of, needed_ledger, window_end
from ingest.errors import Undecodable
from tests.fakes import chain

WINDOW_END = "0016023852966477823-4294967295"  # as stellar-rpc writes it for ledger 3730843


def test_an_event_id_tells_its_ledger():
    assert chain.event_id(3727845, 1, tx=5) == "0016010972359577600-0000000001"
    assert ledger_of("0016010972359577600-0000000001") == 3727845


def test_the_end_of_a_window_is_written_as_the_rpc_writes_it():
    assert window_end(3730843) == WINDOW_END
    assert is_window_end(WINDOW_END)


def test_behind_a_window_the_next_ledger_is_needed():
    assert needed_ledger(WINDOW_END) == 3730844


@pytest.mark.parametrize(
    "cursor",
    [
        chain.event_id(50),
        chain.event_id(50, 2**32 - 1, 2**20 - 1, 0),  # events after all transactions
        chain.event_id(50, 0, 2**20 - 1, 2**12 - 1),
    ],
)
def test_behind_an_event_its_own_ledger_is_still_needed(cursor):
    assert needed_ledger(cursor) == 50
    assert not is_window_end(cursor)


@pytest.mark.parametrize(
    "text",
    ["", "junk", WINDOW_END + "0", WINDOW_END.replace("-", "_"), WINDOW_END.replace("3", "³"),
     "-016023852966477823-4294967295", "9" * 19 + "-0000000000"],
)  # fmt: skip
def test_other_text_is_no_cursor(text):
    with pytest.raises(Undecodable):
        ledger_of(text)
