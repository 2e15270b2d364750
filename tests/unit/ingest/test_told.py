"""Facts that no event told: evidence, fact and outcome in one transaction, once."""

from hashlib import sha256

import pytest

from domain.chain_order import FactJudged, HistoryRevised
from domain.values import stream_uuid
from ingest.told import Read, Told
from store import log
from store.errors import LeaseLost
from store.schema import evidence, evidence_conflict, evidence_outcome
from tests.fakes import chain
from tests.unit.ingest.test_record import NETWORK, Desk

READ = Read(source="storage", seen_at=5)


def told(fact, content=b"entry"):
    return Told(fact=fact, evidence_bytes=content, told_by="storage@1")


def stream_events(desk):
    with desk.database.read() as conn:
        uuid = stream_uuid(NETWORK, chain.CONTRACT, 7)
        return [each.event for each in log.read_aggregate(conn, uuid)]


def test_what_is_told_stands_in_the_log_with_its_evidence(sqlite_database):
    desk = Desk(sqlite_database)
    before = desk.position
    paused = chain.paused(2)
    assert desk.recorder.record_told([told(paused)], READ, lease=desk.lease) == {"applied": 1}
    (kept,) = desk.rows(evidence)
    assert (kept.event_id, kept.bytes, kept.sha256) == (
        paused.event_id,
        b"entry",
        sha256(b"entry").digest(),
    )
    assert (kept.source, kept.seen_at) == ("storage", 5)
    (outcome,) = desk.rows(evidence_outcome)
    assert (outcome.outcome, outcome.profile, outcome.position) == ("applied", "storage@1", 1)
    (judged,) = stream_events(desk)
    assert isinstance(judged, FactJudged)
    assert judged.fact == paused
    assert desk.position == before
    assert desk.scanned() == []


def test_told_twice_is_once_and_other_evidence_is_a_conflict(sqlite_database):
    desk = Desk(sqlite_database)
    paused = chain.paused(2)
    for content in (b"entry", b"entry", b"other"):
        desk.recorder.record_told([told(paused, content)], READ, lease=desk.lease)
    assert desk.count(evidence) == 1
    assert len(stream_events(desk)) == 1
    assert [row.bytes for row in desk.rows(evidence_conflict)] == [b"other"]


def test_told_late_takes_its_place_in_chain_order(sqlite_database):
    desk = Desk(sqlite_database)
    desk.record(chain.resumed(5))
    desk.recorder.record_told([told(chain.paused(2))], READ, lease=desk.lease)
    _, late, revised = stream_events(desk)
    assert isinstance(late, FactJudged)
    assert late.late
    assert isinstance(revised, HistoryRevised)


def test_nobody_tells_without_the_lease(sqlite_database):
    desk = Desk(sqlite_database)
    desk.lease.release()
    with pytest.raises(LeaseLost):
        desk.recorder.record_told([told(chain.paused(2))], READ, lease=desk.lease)
    assert desk.count(evidence) == 0
