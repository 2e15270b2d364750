"""A page of pauses by one statement: which set it comes from, and what it claims to be fresh to."""

from contextlib import contextmanager

import pytest
from sqlalchemy import delete, event, select

from api import at_once
from domain.values import stream_uuid
from projections import pauses, rebuild
from projections.pauses import TABLES
from store.bulk import insert_many
from store.engine import SQLITE
from store.schema import evidence_outcome, log_head
from tests.fakes import chain
from tests.fakes.chain import CONTRACT
from tests.fakes.plans import heard
from tests.fakes.served import NETWORK, Served

OUTCOME = ("event_id", "n", "outcome", "position")
PAUSES = f"/v1/streams/{CONTRACT}/7/pauses"


@pytest.fixture
def served(database) -> Served:
    served = Served(database)
    served.scanned(100, 120)
    return served


@contextmanager
def once_answered(database, statement, act):
    """Act once, as soon as this many statements of requests have been answered."""
    left = [statement]
    engines = [database._reader]
    if database.dialect != SQLITE:
        engines.append(database.async_engine().sync_engine)

    def count(*_):
        left[0] -= 1
        if left[0] == 0:
            act()

    for engine in engines:
        event.listen(engine, "after_cursor_execute", count)
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, "after_cursor_execute", count)


async def answered(served: Served) -> dict:
    answer = await served.ask(PAUSES)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_page_takes_one_statement_besides_the_keys(served):
    served.tell(chain.created(100), chain.paused(110))
    with heard(served.database) as sent:
        page = await answered(served)
    assert len(page["items"]) == 1
    assert len([each for each in sent if "pause_view" in each.statement]) == 1
    assert len(sent) == 2


async def test_the_set_that_serves_since_a_rebuild_is_noticed(served):
    served.tell(chain.created(100), chain.paused(110))
    before = await answered(served)
    rebuild.rebuild(served.database)
    with served.database.begin() as conn:
        conn.execute(delete(TABLES["a"]))
    assert await answered(served) == before


async def test_one_row_of_a_set_that_serves_no_more_is_not_answered(served):
    served.tell(chain.created(100), chain.paused(110))
    await answered(served)
    rebuild.rebuild(served.database)
    served.tell(chain.resumed(115), chain.paused(116))
    assert [each["open"] for each in (await answered(served))["items"]] == [True, False]


async def test_while_the_read_models_are_behind_less_is_claimed(served):
    served.tell(chain.created(100), chain.paused(110))
    assert (await answered(served))["fresh_to_ledger"] == 120
    resumed = chain.resumed(115)
    served.world.record(resumed)
    with served.database.begin() as conn:
        head = conn.scalar(select(log_head.c.position))
        rows = [(resumed.event_id, 0, "applied", head)]
        insert_many(conn, evidence_outcome, OUTCOME, rows, on_conflict="error")
    page = await answered(served)
    assert page["fresh_to_ledger"] == 114
    assert page["items"][0]["open"]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("behind", [2, 3, 4, 5])
async def test_an_empty_page_does_not_claim_what_came_while_it_was_asked_for(
    served, behind, swapped
):
    served.tell(chain.created(100))

    def it_pauses():
        if swapped:
            rebuild.rebuild(served.database)
        served.tell(chain.paused(130))
        served.scanned(121, 140)

    with once_answered(served.database, behind, it_pauses):
        page = await answered(served)
    paused = [each["paused_at"] for each in page["items"]]
    assert (page["fresh_to_ledger"], len(paused)) in {(120, 0), (140, 1)}
    assert len((await answered(served))["items"]) == 1


def test_what_another_thread_last_saw_does_not_mix_the_sets_up(served):
    served.tell(chain.created(100), chain.paused(110))
    rebuild.rebuild(served.database)
    served.tell(chain.resumed(115), chain.paused(116))

    class Flickering:
        """A thread whose transaction began before the swap writes between two looks."""

        seen = iter("ba")
        name = property(lambda self: next(self.seen, "b"), lambda _self, _seen: None)

    def page(name):
        return pauses.page(name, stream_uuid(NETWORK, CONTRACT, 7), limit=5)

    with served.database.read() as conn:
        found = at_once.found_at_once(conn, Flickering(), {CONTRACT}, page)
    assert (found.name, len(found.rows)) == ("b", 2)
