"""Following: from the saved cursor, through bad weather, never past what was not scanned."""

import asyncio
import time

import msgspec
import pytest

from domain.contract import GapOpened
from ingest.cursors import window_end
from ingest.errors import NodeBehind, RetentionGap, RpcUnavailable, WrongNetwork
from ingest.rpc import Health
from store.errors import ConnectionLost, DatabaseLocked
from store.lease import Lease
from tests.fakes import chain
from tests.fakes.indexer import Indexer
from tests.fakes.pages import KnownTranslations, page
from tests.fakes.scripted_rpc import ScriptedRpc


def scripted(known, *answers, **more):
    return ScriptedRpc(
        [
            answer if isinstance(answer, Exception) else page(known.events(*answer[0]), **answer[1])
            for answer in answers
        ],
        **more,
    )


async def test_pages_are_recorded_in_order_and_the_cursor_is_the_rpcs_own(sqlite_database):
    known = KnownTranslations()
    rpc = scripted(
        known,
        ([chain.created(2)], {"cursor": chain.event_id(2)}),
        ([chain.paused(3)], {"latest_ledger": 50}),
        latest_ledger=60,
    )
    indexer = Indexer(sqlite_database, rpc, known=known)
    await indexer.run(events=2, at=61)
    assert [event.verdict for event in indexer.events()] == ["applied", "applied"]
    assert rpc.asked[:3] == [window_end(0), chain.event_id(2), window_end(50)]
    assert indexer.stands_at() == 61


async def test_bad_weather_keeps_the_cursor_where_it_is(sqlite_database):
    known = KnownTranslations()
    rpc = scripted(
        known,
        RpcUnavailable("503", retry_after=0.01),
        NodeBehind(5, 9),
        ([chain.created(2)], {}),
    )
    indexer = Indexer(sqlite_database, rpc, known=known)
    await indexer.run(events=1)
    assert rpc.asked[:3] == [window_end(0)] * 3
    assert len(indexer.events()) == 1


async def test_a_retention_gap_is_recorded_and_following_goes_on_after_it(sqlite_database):
    known = KnownTranslations()
    rpc = scripted(known, RetentionGap(40, 1), ([chain.created(60)], {}))
    indexer = Indexer(sqlite_database, rpc, known=known)
    await indexer.run(events=2)
    gap, created = indexer.events()
    assert isinstance(gap, GapOpened)
    assert (gap.from_ledger, gap.to_ledger) == (1, 49)
    assert rpc.asked[1] == window_end(49)
    assert created.verdict == "applied"


async def test_a_restart_goes_on_where_it_was(sqlite_database):
    known = KnownTranslations()
    first = scripted(known, ([chain.created(2)], {"latest_ledger": 50}), latest_ledger=50)
    await Indexer(sqlite_database, first, known=known).run(events=1)
    second = scripted(known, ([chain.paused(52)], {"latest_ledger": 60}), latest_ledger=60)
    indexer = Indexer(sqlite_database, second, known=known, holder="b")
    await indexer.run(events=2)
    assert second.asked[0] == window_end(50)
    assert len(indexer.events()) == 2


async def test_no_start_ledger_means_the_oldest_that_is_safe_to_ask_for(sqlite_database):
    indexer = Indexer(sqlite_database, ScriptedRpc([]), start=None)
    await indexer.run()
    assert indexer.rpc.asked[0] == window_end(10)


async def test_another_network_ends_the_role(sqlite_database):
    rpc = ScriptedRpc([])
    rpc.passphrase = "another"
    with pytest.raises(WrongNetwork, match="another"):
        await Indexer(sqlite_database, rpc).run()


async def test_a_node_that_does_not_answer_at_the_start_is_asked_again(sqlite_database):
    rpc = ScriptedRpc([])
    refusals = [RpcUnavailable("starting", retry_after=0.01)]
    asked = rpc.health

    async def health():
        if refusals:
            raise refusals.pop()
        return await asked()

    rpc.health = health
    await Indexer(sqlite_database, rpc).run()
    assert refusals == []


async def test_a_locked_database_is_waited_for_and_nothing_is_lost(sqlite_database):
    known = KnownTranslations()
    rpc = scripted(known, ([chain.created(2)], {}))
    indexer = Indexer(sqlite_database, rpc, known=known)
    record, refusals = indexer.recorder.record, [DatabaseLocked("busy"), DatabaseLocked("busy")]

    def locked_twice(*args, **more):
        if refusals:
            raise refusals.pop()
        return record(*args, **more)

    indexer.recorder.record = locked_twice
    await indexer.run(events=1)
    assert len(indexer.events()) == 1


async def test_a_database_that_is_away_while_nothing_is_recorded_ends_no_role(sqlite_database):
    known = KnownTranslations()
    indexer = Indexer(sqlite_database, scripted(known, ([chain.created(2)], {})), known=known)
    read, refusals = sqlite_database.read, [ConnectionLost("restarting") for _ in range(3)]

    def away():
        if refusals:
            raise refusals.pop()
        return read()

    sqlite_database.read = away
    await indexer.run(events=1)
    assert refusals == []
    assert len(indexer.events()) == 1


async def test_who_lost_the_lease_while_arranging_changes_no_source(sqlite_database):
    rpc = ScriptedRpc([])
    indexer = Indexer(sqlite_database, rpc)

    async def stolen_meanwhile():
        with sqlite_database.begin() as conn:
            conn.exec_driver_sql("UPDATE lease SET holder = 'thief', epoch = epoch + 1")
        return Health(latest_ledger=100, oldest_ledger=1)

    rpc.health = stolen_meanwhile
    stop = asyncio.Event()
    running = asyncio.create_task(indexer.follow.run(stop))
    await asyncio.sleep(0.4)
    stop.set()
    await running
    with sqlite_database.read() as conn:
        stored = conn.exec_driver_sql("SELECT * FROM ingest_source").all()
    assert stored == []


async def test_a_database_that_is_away_at_the_end_leaves_the_lease_to_run_out(sqlite_database):
    indexer = Indexer(sqlite_database, ScriptedRpc([]))

    def away():
        raise ConnectionLost("restarting")

    indexer.lease.release = away
    await indexer.run()


async def test_the_standby_takes_over_when_the_leader_lets_go(sqlite_database):
    known = KnownTranslations()
    leader = Lease(sqlite_database, name="index", holder="leader", seconds=60)
    leader.acquire()
    rpc = scripted(known, ([chain.created(2)], {}))
    indexer = Indexer(sqlite_database, rpc, known=known)
    running = asyncio.create_task(indexer.run(events=1))
    await asyncio.sleep(0.5)
    assert rpc.asked == []
    leader.release()
    await running
    assert len(indexer.events()) == 1


async def test_a_leader_that_lost_its_lease_stands_by_and_comes_back_without_loss(sqlite_database):
    known = KnownTranslations()
    first_page = page(known.events(chain.created(2)))
    rpc = ScriptedRpc([])
    indexer = Indexer(sqlite_database, rpc, known=known)
    fetch, robbed = rpc.fetch_page, []

    async def fetch_and_be_robbed(**question):
        if question["cursor"] != window_end(0):
            return await fetch(**question)
        if not robbed:
            robbed.append(indexer.lease.epoch)
            with sqlite_database.begin() as conn:
                conn.exec_driver_sql(
                    "UPDATE lease SET holder = 'thief', epoch = epoch + 1, expires_at = 0"
                )
        return first_page

    rpc.fetch_page = fetch_and_be_robbed
    await indexer.run(events=1)
    assert robbed
    assert [event.verdict for event in indexer.events()] == ["applied"]


async def test_a_node_that_stands_still_is_polled_not_hammered(sqlite_database):
    rpc = ScriptedRpc([], latest_ledger=50)
    indexer = Indexer(sqlite_database, rpc, start=51)
    fetch = rpc.fetch_page

    async def behind_its_own_tip(**question):
        answer = await fetch(**question)
        return msgspec.structs.replace(answer, latest_ledger=60)

    rpc.fetch_page = behind_its_own_tip
    began = time.monotonic()
    await indexer.run()
    assert len(rpc.asked) <= (time.monotonic() - began) / 0.01 + 2
