from dataclasses import fields
from uuid import UUID

import pytest

from api import chain_rows, contract_schemas, schemas
from api.schemas import ChainAnswer
from projections.contracts import GapRow
from projections.pauses import PauseRow

ANSWERS = [
    each
    for module in (schemas, contract_schemas)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, ChainAnswer)
]
BEYOND_CALENDARS = 2**62


def pause_row(**changes: object) -> PauseRow:
    whole = PauseRow(
        originator_id=UUID(int=1),
        chain_at=100,
        place="p",
        contract_id="C",
        stream_id=7,
        id="a",
        start_known=True,
        paused_at=100,
        start_ledger=1,
        start_tx_hash="x",
        start_event_id="a",
        resumed_at=160,
        end_ledger=2,
        end_tx_hash="",
        end_event_id="b",
        ended_by="resumed",
        start_cause_id="a",
        end_cause_id="b",
    )
    return whole._replace(**changes)


@pytest.mark.parametrize("answer", ANSWERS)
def test_how_fresh_an_answer_is_comes_first(answer):
    assert fields(answer)[0].name == "fresh_to_ledger"
    assert len(ANSWERS) > 5


def test_a_pause_that_ended_has_a_duration_and_one_that_goes_on_has_none():
    ended = chain_rows.pause(pause_row())
    assert (ended.duration_seconds, ended.open) == (60, False)
    going_on = chain_rows.pause(pause_row(resumed_at=None, ended_by=None))
    assert (going_on.duration_seconds, going_on.open) == (None, True)


def test_a_pause_whose_start_no_calendar_has_has_no_duration():
    pause = chain_rows.pause(pause_row(paused_at=-BEYOND_CALENDARS))
    assert (pause.paused_at, pause.duration_seconds) == (None, None)


def test_what_has_no_transaction_names_none():
    assert chain_rows.pause(pause_row()).end_tx_hash is None


def test_an_open_gap_is_healed_by_nothing():
    gap = chain_rows.gap(GapRow("C", 1, 2, 100, None, None))
    assert (gap.from_ledger, gap.to_ledger, gap.healed_by, gap.healed_at) == (1, 2, None, None)
