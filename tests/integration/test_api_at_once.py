"""A page of pauses by one statement: which set it comes from, and what it claims to be fresh to."""

import pytest
from sqlalchemy import delete, select

from api import at_once
from projections import rebuild
from projections.freshness import freshness
from projections.pauses import TABLES
from store.bulk import insert_many
from store.schema import evidence_outcome, log_head
from tests.fakes import chain
from tests.fakes.chain import CONTRACT
from tests.fakes.plans import heard
from tests.fakes.served import Served

OUTCOME = ("event_id", "n", "outcome", "position")
PAUSES = f"/v1/streams/{CONTRACT}/7/pauses"


@pytest.fixture
def served(database) -> Served:
    served = Served(database)
    served.scanned(100, 120)
    return served


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


async def test_an_empty_page_does_not_claim_what_came_while_it_was_asked_for(served, monkeypatch):
    served.tell(chain.created(100))

    def once_it_pauses(conn, name, asked):
        monkeypatch.undo()
        served.tell(chain.paused(130))
        served.scanned(121, 140)
        return freshness(conn, name, asked)

    monkeypatch.setattr(at_once, "freshness", once_it_pauses)
    page = await answered(served)
    paused = [each["paused_at"] for each in page["items"]]
    assert (page["fresh_to_ledger"], len(paused)) in {(120, 0), (140, 1)}
    assert len((await answered(served))["items"]) == 1
