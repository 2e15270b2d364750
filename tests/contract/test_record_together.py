"""Pages that share a transaction leave what they leave one by one, on every database."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ingest.cursors import window_end
from ingest.errors import CursorMoved
from store.engine import Database
from store.errors import DatabaseLocked, FenceLost, LeaseLost
from tests.fakes import chain
from tests.fakes.crowd_of_sources import Crowd, of
from tests.fakes.pages import KnownTranslations, contract_event

MANY = 20
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def reference(sqlite_template, tmp_path):
    """A database to record one by one on."""
    path = tmp_path / "reference.db"
    shutil.copy(sqlite_template, path)
    database = Database.open(f"sqlite:///{path}")
    yield database
    database.close()


def drawn(known, dice, number, ledger):
    """Events of one page: on time and late, understood and not, known, disputed, none at all."""
    makers = (
        chain.created,
        chain.paused,
        chain.resumed,
        chain.cancelled,
        chain.transferred,
        chain.contract_pause,
    )
    events = []
    for index in range(dice.choice((0, 0, 1, 3, 9, 120))):
        at = dice.randrange(max(1, ledger - 15), ledger + 1)
        fact = of(number, dice.choice(makers)(at, index % 30))
        (event,) = known.events(fact) if dice.random() < 0.9 else (contract_event(fact),)
        if dice.random() < 0.1:
            event = contract_event(fact, value=b"other")
        if dice.random() < 0.02:
            event = msgspec.structs.replace(event, event_id=chain.event_id(at, 7))
        events.append(event)
    return sorted({each.event_id: each for each in events}.values(), key=lambda e: e.event_id)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_pages_are_the_rows_are_those_of_one_by_one(database, reference, seed):
    dice = random.Random(seed)
    known = KnownTranslations()
    crowd, alone = Crowd(database, MANY, known), Crowd(reference, MANY, known)
    ledger = 0
    for _ in range(4):
        ledger += dice.choice((1, 1, 3))
        told = {n: drawn(known, dice, n, ledger) for n in dice.sample(range(MANY), 16)}
        reached = {n: ledger + dice.choice((0, 0, 2)) for n in told}
        after = crowd.together([crowd.fetched(n, told[n], latest_ledger=reached[n]) for n in told])
        alone.one_by_one([alone.fetched(n, told[n], latest_ledger=reached[n]) for n in told])
        ledger += 2
        assert [each.cursor for each in after] == [window_end(reached[n]) for n in told]
        assert crowd.rows() == alone.rows()


def pages_of(crowd, many=8):
    """A stream's beginning and a pause in each contract."""
    return [
        crowd.fetched(n, crowd.known.events(of(n, chain.created(2)), of(n, chain.paused(3))))
        for n in range(many)
    ]


def test_only_the_page_at_fault_and_those_after_it_are_not_written(database, reference):
    crowd, alone = Crowd(database, 8), Crowd(reference, 8)
    pages = pages_of(crowd)
    with database.begin() as conn:
        conn.exec_driver_sql("UPDATE ingest_position SET through = 'x' WHERE source = 'live-5'")
    with pytest.raises(CursorMoved, match="live-5"):
        crowd.together(pages)
    assert crowd.stands_at() == [window_end(100)] * 5 + [window_end(0)] * 3
    alone.one_by_one(pages_of(alone)[:5])
    assert crowd.rows()["recorded_event"] == alone.rows()["recorded_event"]


def test_a_page_that_fails_for_a_while_holds_no_other_up_for_ever(database, reference):
    class Weary(KnownTranslations):
        left = 3

        def __call__(self, event, wasm):
            if event.contract_id == weary and Weary.left:
                Weary.left -= 1
                raise DatabaseLocked("for a while")
            return super().__call__(event, wasm)

    crowd, alone = Crowd(database, 8, Weary()), Crowd(reference, 8)
    weary = crowd.sources[6].contract_ids[0]
    crowd.together(pages_of(crowd))
    alone.one_by_one(pages_of(alone))
    assert Weary.left == 0
    assert crowd.rows() == alone.rows()


@pytest.mark.parametrize(
    ("lost", "error"),
    [
        ("UPDATE lease SET holder = 'other', epoch = epoch + 1", LeaseLost),
        ("UPDATE log_head SET fence = fence + 1", FenceLost),
    ],
)
def test_whoever_leads_no_more_writes_nothing_of_a_group(database, lost, error):
    crowd = Crowd(database, 8)
    pages = pages_of(crowd)
    before = crowd.rows()
    tries = []
    judged = crowd.recorder._judge_all
    crowd.recorder._judge_all = lambda parts, job: tries.append(parts) or judged(parts, job)
    with database.begin() as conn:
        conn.exec_driver_sql(lost)
    with pytest.raises(error):
        crowd.together(pages)
    assert crowd.rows() == before
    assert [len(parts) for parts in tries] == [8]


RECORD = """
import sys
from store.engine import Database
from tests.contract.test_record_together import pages_of
from tests.fakes.crowd_of_sources import Crowd
crowd = Crowd(Database.open(sys.argv[1]), 8)
crowd.together(pages_of(crowd))
"""


@pytest.mark.parametrize("point", ["before_record", "in_record", "after_record"])
def test_a_group_whose_process_is_killed_is_written_whole_or_not_at_all(
    database, database_url, reference, point
):
    crowd, alone = Crowd(database, 8), Crowd(reference, 8)
    crowd.lease.release()
    before = crowd.rows()["recorded_event"], crowd.stands_at()
    done = subprocess.run(
        [sys.executable, "-c", RECORD, database_url],
        cwd=ROOT,
        env=os.environ | {"PAUSEWIRE_TEST_KILL_AT": f"{point}:1"},
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    alone.one_by_one(pages_of(alone))
    if point != "after_record":
        assert (crowd.rows()["recorded_event"], crowd.stands_at()) == before
        with database.begin() as conn:
            conn.exec_driver_sql("UPDATE lease SET expires_at = 0")
        crowd = Crowd(database, 8)
        crowd.together(pages_of(crowd))
    assert crowd.rows() == alone.rows()
