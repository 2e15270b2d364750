"""Sources: who is followed together, and from where."""

from sqlalchemy import update

from ingest import coverage, sources
from ingest.cursors import needed_ledger, window_end
from store.schema import ingest_position
from tests.fakes import chain

OTHERS = [f"C{index:055d}" for index in range(30)]


def arranged(database, starts):
    with database.begin() as conn:
        return sources.arrange(conn, starts, now=1)


def stands_at(database, source):
    with database.read() as conn:
        return needed_ledger(sources.position(conn, source.name).cursor)


def test_a_contract_begins_at_its_start_ledger(sqlite_database):
    (source,) = arranged(sqlite_database, {chain.CONTRACT: 77})
    assert source.contract_ids == (chain.CONTRACT,)
    assert stands_at(sqlite_database, source) == 77


def test_arranging_again_changes_nothing(sqlite_database):
    first = arranged(sqlite_database, {chain.CONTRACT: 77})
    assert arranged(sqlite_database, {chain.CONTRACT: 5}) == first
    assert stands_at(sqlite_database, first[0]) == 77


def test_at_most_25_contracts_share_a_source(sqlite_database):
    found = arranged(sqlite_database, dict.fromkeys(OTHERS, 1))
    assert sorted(len(source.contract_ids) for source in found) == [5, 25]


def test_a_contract_added_later_begins_a_source_of_its_own(sqlite_database):
    (old,) = arranged(sqlite_database, {chain.CONTRACT: 777})
    found = arranged(sqlite_database, {chain.CONTRACT: 777, OTHERS[0]: 5})
    new = next(source for source in found if source.name != old.name)
    assert new.contract_ids == (OTHERS[0],)
    assert (stands_at(sqlite_database, old), stands_at(sqlite_database, new)) == (777, 5)


def test_a_contract_that_comes_back_goes_on_after_what_was_scanned(sqlite_database):
    arranged(sqlite_database, {chain.CONTRACT: 77, OTHERS[0]: 77})
    with sqlite_database.begin() as conn:
        coverage.extend(conn, [chain.CONTRACT], coverage.LedgerRange(77, 900))
    (left,) = arranged(sqlite_database, {OTHERS[0]: 77})
    assert left.contract_ids == (OTHERS[0],)
    found = arranged(sqlite_database, {OTHERS[0]: 77, chain.CONTRACT: 77})
    back = next(source for source in found if chain.CONTRACT in source.contract_ids)
    assert back.name != left.name
    assert stands_at(sqlite_database, back) == 901


def move(database, source, cursor, through=None):
    with database.begin() as conn:
        conn.execute(
            update(ingest_position)
            .where(ingest_position.c.source == source.name)
            .values(cursor=cursor, through=through)
        )


def test_sources_that_have_come_close_are_joined_where_the_last_one_stands(sqlite_database):
    wanted = dict.fromkeys(OTHERS[:10], 5000)
    arranged(sqlite_database, wanted)
    found = arranged(sqlite_database, wanted | {chain.CONTRACT: 77})
    late = next(source for source in found if source.contract_ids == (chain.CONTRACT,))
    move(sqlite_database, late, window_end(5000 - sources.JOIN_WITHIN_LEDGERS - 2))
    assert len(arranged(sqlite_database, wanted | {chain.CONTRACT: 77})) == 2
    move(sqlite_database, late, window_end(4990))
    (joined,) = arranged(sqlite_database, wanted | {chain.CONTRACT: 77})
    assert set(joined.contract_ids) == {chain.CONTRACT, *OTHERS[:10]}
    assert stands_at(sqlite_database, joined) == 4991


def test_a_source_within_a_page_stays_alone_and_none_grows_beyond_a_request(sqlite_database):
    arranged(sqlite_database, dict.fromkeys(OTHERS[:20], 5000))
    found = arranged(sqlite_database, dict.fromkeys(OTHERS[:26], 5000))
    assert sorted(len(source.contract_ids) for source in found) == [6, 20]
    small = min(found, key=lambda source: len(source.contract_ids))
    wanted = dict.fromkeys([*OTHERS[:18], *small.contract_ids], 5000)
    for cursor, through in ((chain.event_id(4999), None), (window_end(4999), "1-1")):
        move(sqlite_database, small, cursor, through)
        assert len(arranged(sqlite_database, wanted)) == 2
    move(sqlite_database, small, window_end(4999))
    assert len(arranged(sqlite_database, wanted)) == 1


def test_what_a_job_scanned_beyond_a_hole_is_scanned_again(sqlite_database):
    with sqlite_database.begin() as conn:
        coverage.extend(conn, [chain.CONTRACT], coverage.LedgerRange(77, 90))
        coverage.extend(conn, [chain.CONTRACT], coverage.LedgerRange(200, 300))
    (source,) = arranged(sqlite_database, {chain.CONTRACT: 77})
    assert stands_at(sqlite_database, source) == 91
