"""Which source gives a page, and what is said when none does."""

import pytest

from ingest.errors import (
    LedgerUnreadable,
    NodeBehind,
    NotServed,
    RangeUnavailable,
    RequestRefused,
    RetentionGap,
    RpcUnavailable,
    Transient,
    WrongNetwork,
)
from ingest.ladder import WRITTEN_OFF_AFTER, Ladder, Rung
from tests.fakes.pages import page


class Source:
    """Answers the same until told otherwise."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    async def fetch_page(self, **_):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ladder(*answers):
    sources = [Source(answer) for answer in answers]
    rungs = [Rung(f"source {number}", source) for number, source in enumerate(sources, 1)]
    return Ladder(rungs), sources


async def ask(over):
    return await over.fetch_page(contracts=["C"], cursor="c", start_ledger=None, limit=1)


def test_a_ladder_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one source"):
        Ladder([])


@pytest.mark.parametrize(
    "fault",
    [
        RetentionGap(40, 1),
        NodeBehind(5, 9),
        RpcUnavailable("away"),
        RequestRefused("x", -32602, "no"),
        WrongNetwork("x", "a", "b"),
        LedgerUnreadable(4, "no"),
        NotServed("no"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_whatever_the_first_lacks_the_next_may_have(fault):
    wanted = page([])
    over, (first, second, third) = ladder(fault, wanted, page([]))
    assert await ask(over) is wanted
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
    first.answer = page([])
    assert await ask(over) is first.answer


async def test_nobody_has_it_and_each_is_named_with_its_fault():
    over, _ = ladder(RetentionGap(40, 1), NotServed("there is none"))
    with pytest.raises(RangeUnavailable) as told:
        await ask(over)
    assert str(told.value) == (
        "source 1: ledger 1 is needed, the oldest one kept is 40; source 2: there is none"
    )


async def test_the_first_ledger_that_one_of_them_still_has_is_named():
    over, _ = ladder(RetentionGap(60, 1), NotServed("there is none"), RetentionGap(40, 1))
    with pytest.raises(RangeUnavailable) as told:
        await ask(over)
    assert told.value.begins_at == 40
    over, _ = ladder(RetentionGap(60, 1), NotServed("a hole", 30))
    with pytest.raises(RangeUnavailable) as told:
        await ask(over)
    assert told.value.begins_at == 30


@pytest.mark.parametrize(
    ("fault", "begins_at"),
    [(LedgerUnreadable(7, "cut"), 8), (LedgerUnreadable(7, "no zstd", 12), 12)],
)
async def test_behind_a_ledger_that_does_not_read_the_next_one_may(fault, begins_at):
    over, _ = ladder(RetentionGap(40, 1), fault)
    with pytest.raises(RangeUnavailable) as told:
        await ask(over)
    assert told.value.begins_at == begins_at


async def test_while_one_may_still_come_to_have_it_the_page_is_waited_for():
    over, sources = ladder(
        RetentionGap(40, 1), RpcUnavailable("away", 7), RpcUnavailable("slow", 9)
    )
    with pytest.raises(Transient) as told:
        await ask(over)
    assert told.value.retry_after == 7
    assert "source 3: slow" in told.value.reason
    sources[2].answer = RpcUnavailable("says nothing of when")
    with pytest.raises(Transient) as told:
        await ask(over)
    assert told.value.retry_after is None


async def test_a_source_that_fails_on_and_on_is_not_waited_for_but_still_asked():
    over, (_, dead) = ladder(RetentionGap(40, 1), RpcUnavailable("away"))
    for _ in range(WRITTEN_OFF_AFTER):
        with pytest.raises(Transient):
            await ask(over)
    with pytest.raises(RangeUnavailable):
        await ask(over)
    dead.answer = page([])
    assert await ask(over) is dead.answer
    dead.answer = RpcUnavailable("away again")
    with pytest.raises(Transient):
        await ask(over)


async def test_a_ledger_that_will_close_is_waited_for_without_end():
    over, _ = ladder(RetentionGap(40, 1), NodeBehind(5, 9))
    for _ in range(3 * WRITTEN_OFF_AFTER):
        with pytest.raises(Transient):
            await ask(over)
