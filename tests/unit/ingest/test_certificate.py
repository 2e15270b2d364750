"""The certificate: what may be said of a contract's ledgers, from the database alone."""

import pytest

from domain.contract import GapHealed, GapOpened, RangeFilled
from domain.values import contract_uuid
from ingest import coverage
from ingest.certificate import certify, followed
from ingest.coverage import LedgerRange
from ingest.decision import OUTCOME_APPLIED, OUTCOME_QUARANTINED
from ingest.judge import Judge
from ingest.record import Recorder
from ingest.sources import arrange, position
from ingest.states import StateCache
from store import log
from store.bulk import insert_many
from store.lease import Lease
from store.schema import evidence, evidence_outcome
from tests.fakes import chain
from tests.fakes.indexer import NETWORK
from tests.fakes.pages import KnownTranslations, page

AGGREGATE = contract_uuid(NETWORK, chain.CONTRACT)
NOTICED = chain.GENESIS


class Written:
    """A contract's history and scanned ranges, written by hand."""

    def __init__(self, database):
        self.database = database
        self._version = 0

    def scanned(self, low, high):
        with self.database.begin() as conn:
            coverage.extend(conn, [chain.CONTRACT], LedgerRange(low, high))

    def _append(self, kind, *fields, **named):
        self._version += 1
        event = kind(AGGREGATE, self._version, *fields, **named)
        with self.database.begin() as conn:
            log.append(conn, [event], recorded_at=1)

    def opened(self, low, high):
        self._append(GapOpened, chain.CONTRACT, low, high, noticed_at=NOTICED)

    def healed(self, low, high, by):
        self._append(GapHealed, chain.CONTRACT, low, high, healed_by=by, noticed_at=NOTICED + 9)

    def filled(self, low, high):
        self._append(RangeFilled, "job", chain.CONTRACT, low, high)

    def outcomes(self, ledger, *outcomes):
        event_id = chain.event_id(ledger)
        columns = ("event_id", "contract_id", "bytes", "sha256", "seen_at", "source")
        rows = [(event_id, n, outcome) for n, outcome in enumerate(outcomes, start=1)]
        with self.database.begin() as conn:
            kept = [(event_id, chain.CONTRACT, b"", b"", 1, "rpc")]
            insert_many(conn, evidence, columns, kept, on_conflict="error")
            insert_many(
                conn, evidence_outcome, ("event_id", "n", "outcome"), rows, on_conflict="error"
            )

    def certify(self, first=None, last=None):
        with self.database.read() as conn:
            return certify(conn, NETWORK, chain.CONTRACT, from_ledger=first, to_ledger=last)


@pytest.fixture
def written(sqlite_database):
    return Written(sqlite_database)


def test_a_contract_that_nobody_scanned_is_not_complete(written):
    found = written.certify()
    assert (found.complete, found.ledgers, found.gaps) == (False, None, [])


def test_scanned_ledgers_are_complete_and_the_range_is_theirs(written):
    written.scanned(10, 99)
    found = written.certify()
    assert (found.complete, found.ledgers, found.gaps) == (True, (10, 99), [])


def test_ledgers_beyond_what_was_scanned_are_never_called_complete(written):
    written.scanned(10, 99)
    found = written.certify(5, 120)
    assert not found.complete
    assert found.gaps == [(5, 9, None, None), (100, 120, None, None)]
    assert written.certify(20, 30).complete


@pytest.mark.parametrize(("first", "last"), [(None, 5), (5, None), (200, None), (None, 9)])
def test_an_end_outside_of_what_is_known_never_makes_an_empty_range(written, first, last):
    written.scanned(10, 99)
    found = written.certify(first, last)
    assert found.ledgers.from_ledger <= found.ledgers.to_ledger
    assert not found.complete


def test_a_recorded_gap_is_open_until_something_fills_it(written):
    written.scanned(10, 19)
    written.opened(20, 49)
    written.scanned(50, 99)
    found = written.certify()
    assert (found.complete, found.gaps) == (False, [(20, 49, NOTICED, None)])
    written.scanned(20, 49)
    assert not written.certify().complete  # filled, but not recorded as healed yet
    written.healed(20, 49, "backfill:1")
    written.filled(20, 49)
    found = written.certify()
    assert (found.complete, found.gaps) == (True, [(20, 49, NOTICED, "backfill:1")])


def test_a_gap_filled_in_part_is_told_in_parts(written):
    written.opened(20, 49)
    written.scanned(50, 99)
    written.scanned(30, 39)
    written.healed(30, 39, "backfill:1")
    assert written.certify().gaps == [
        (20, 29, NOTICED, None),
        (30, 39, NOTICED, "backfill:1"),
        (40, 49, NOTICED, None),
    ]
    assert written.certify(30, 39).complete
    assert written.certify(45, 60).gaps == [(45, 49, NOTICED, None)]


def test_storage_tells_the_pauses_and_leaves_the_certificate_incomplete(written):
    written.opened(20, 49)
    written.scanned(50, 99)
    written.healed(20, 49, "storage")
    found = written.certify()
    assert (found.complete, found.gaps) == (False, [(20, 49, NOTICED, "storage")])
    written.scanned(20, 49)
    written.healed(20, 49, "backfill:2")
    written.healed(20, 49, "storage")  # what an event source has filled stays filled
    assert written.certify().gaps == [(20, 49, NOTICED, "backfill:2")]


def test_a_healing_without_a_scan_is_not_believed(written):
    written.opened(20, 49)
    written.healed(20, 49, "backfill:1")
    assert written.certify().gaps == [(20, 49, NOTICED, None)]


def test_quarantined_events_of_the_range_are_counted_by_their_last_outcome(written):
    written.scanned(10, 99)
    written.outcomes(10, OUTCOME_QUARANTINED)
    written.outcomes(11, OUTCOME_QUARANTINED, OUTCOME_APPLIED)
    written.outcomes(12, OUTCOME_APPLIED)
    written.outcomes(99, OUTCOME_QUARANTINED)
    assert written.certify().quarantined == 2
    assert written.certify(11, 98).quarantined == 0
    assert written.certify().complete  # seen, though not understood


def test_what_a_recorded_page_passed_is_certified(database):
    known = KnownTranslations()
    cache = StateCache(NETWORK)
    recorder = Recorder(database, judge=Judge(known, cache), cache=cache, slice_events=1)
    lease = Lease(database, name="index", holder="a", seconds=60)
    lease.acquire()
    with database.begin() as conn:
        (source,) = arrange(conn, {chain.CONTRACT: 5}, 1)
        begin = position(conn, source.name)
    events = known.events(chain.created(6), chain.paused(7))
    recorder.record(page(events, latest_ledger=40), source=source, position=begin, lease=lease)
    with database.read() as conn:
        found = certify(conn, NETWORK, chain.CONTRACT, from_ledger=None, to_ledger=None)
        assert followed(conn) == [chain.CONTRACT]
    assert (found.complete, found.ledgers, found.quarantined) == (True, (5, 40), 0)
