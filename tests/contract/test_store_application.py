"""The library's repository gives the same states as the domain's own folds."""

from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import IntegrityError
from sqlalchemy import insert

from domain import contract, judgement, notice, stream
from domain.chain_order import FactJudged
from store import schema
from store.application import Histories, StateSnapshot
from store.engine import Database
from store.errors import UnusableDatabase
from store.factory import Factory
from store.log import append, head
from store.mapper import encode_state, state_topic
from tests.fakes import chain

ID = UUID(int=7)


@pytest.fixture
def histories(database: Database):
    opened = Histories(database)
    yield opened
    opened.close()


def judged(*facts):
    return judgement.decide(stream.STREAM_RULES, ID, stream.STREAM_RULES.initial, facts)[0]


def record(database: Database, events) -> None:
    with database.begin() as conn:
        append(conn, events, recorded_at=1)


def test_a_stream_is_folded_from_the_log_now_or_at_a_version(database, histories):
    events = judged(chain.created(5), chain.paused(6), chain.resumed(7))
    record(database, events)
    assert histories.stream(ID) == stream.fold(None, events)
    assert histories.stream(ID, version=2).status == "paused"


def test_what_was_never_recorded_is_none(histories):
    assert histories.stream(uuid4()) is None
    assert histories.contract(uuid4()) is None
    assert histories.notice(uuid4()) is None


def test_contracts_and_notices_are_folded_by_their_own_rules(database, histories):
    other = UUID(int=8)
    record(
        database,
        [
            FactJudged(ID, 1, chain.contract_pause(5), None, None, "applied"),
            contract.GapOpened(ID, 2, "C", 5, 9, 1),
            notice.NoticePlanned(other, 1, "r", "paused", "e", "C", 1, late=False, planned_at=1),
            notice.NoticeRead(other, 2, 5),
        ],
    )
    state = histories.contract(ID)
    assert (state.status, state.gaps) == ("paused", (contract.Gap(5, 9),))
    assert histories.notice(other).read_at == 5


def test_a_snapshot_spares_the_events_before_it(database, histories):
    events = judged(chain.created(5), chain.paused(6), chain.resumed(7))
    record(database, events)
    # A state that the events do not give: what comes back tells whether the snapshot was used.
    marked = stream.StreamState(version=2, status="paused", employer="from the snapshot")
    with database.begin() as conn:
        conn.execute(
            insert(schema.snapshot).values(
                originator_id=ID,
                originator_version=2,
                topic=state_topic(marked),
                state=encode_state(marked),
            )
        )
    assert histories.stream(ID).version == 3
    assert histories.stream(ID, version=2) == marked
    assert histories.stream(ID, version=1).employer == chain.EMPLOYER


def test_snapshots_go_through_the_librarys_snapshot_store_too(histories):
    taken = StateSnapshot(ID, 4, stream.StreamState(version=4, status="cancelled"))
    histories.snapshots.put([taken])
    assert list(histories.snapshots.get(ID)) == [taken]
    assert histories.snapshots.mapper.to_stored_event(taken).topic == "stream.state.1"


def test_events_put_through_the_library_are_the_same_rows(database, histories):
    events = judged(chain.created(5), chain.paused(6))
    recordings = histories.events.put(events)
    assert [each.notification.id for each in recordings] == [1, 2]
    with pytest.raises(IntegrityError):
        histories.events.put(events)
    assert histories.stream(ID) == stream.fold(None, events)


def test_the_notification_log_is_the_log_by_position(database, histories):
    record(database, judged(chain.created(5), chain.paused(6), chain.resumed(7)))
    section = histories.notification_log["1,10"]
    assert [(each.id, each.topic) for each in section.items] == [
        (1, "stream.created.1"),
        (2, "stream.paused.1"),
        (3, "stream.resumed.1"),
    ]


def test_closing_it_leaves_the_database_to_its_owner(database):
    Histories(database).close()
    record(database, judged(chain.created(5)))
    with database.read() as conn:
        assert head(conn) == 1


def test_the_factory_asks_for_a_database():
    with pytest.raises(UnusableDatabase, match="SQLALCHEMY_URL"):
        Factory({})
