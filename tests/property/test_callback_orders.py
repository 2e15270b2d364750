"""Callbacks in any order and any number of copies: the same state, the same suppression list."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from store.engine import Database
from tests.fakes.called_back import NOW, SECOND, Desk, answered, status, twilio_request
from tests.fakes.planned import plan

WORDS = ("queued", "sent", "delivered", "read", "undelivered", "failed")
ANSWERS = ("STOP", "START", "hello")

told = st.one_of(
    st.builds(lambda word: status("SM1", word), st.sampled_from(WORDS)),
    st.builds(
        lambda word, code: status("SM1", word, ErrorCode=code),
        st.sampled_from(("undelivered", "failed")),
        st.sampled_from(("30003", "30005", "21610")),
    ),
    st.builds(
        lambda word, number: answered(word, sid=f"SMin{number}"),
        st.sampled_from(ANSWERS),
        st.integers(0, 3),
    ),
)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[tuple[int, Any]], list[list[tuple[int, Any]]]]:
    """What a provider said, each with its time, and two ways in which we learn of it."""
    said = draw(st.lists(told, min_size=1, max_size=6, unique_by=_key))
    timed = list(enumerate(said))
    copies = draw(st.lists(st.sampled_from(timed), max_size=4))
    return timed, [draw(st.permutations([*timed, *copies])) for _ in range(2)]


def _key(fields: dict[str, str]) -> str:
    return fields["MessageSid"] + fields.get("MessageStatus", "")


def learned(
    template: Path, start: str, order: list[tuple[int, Any]], steps: list[bool]
) -> tuple[str, set[str]]:
    """The end of it: the delivery's state and why its place is on the list."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{shutil.copyfile(template, Path(folder) / 'c.db')}")
        desk = Desk(database)
        known = {"provider_message_id": "SM1"} if start == "accepted" else {}
        with database.begin() as conn:
            planned = plan(conn, "sms", state=start, provider="twilio", attempts=1, **known)
        for (number, fields), now in zip(order, steps, strict=True):
            desk.now = NOW + number * SECOND  # as the provider's clock has it
            desk.take(twilio_request(fields, query=f"delivery={planned}"))
            desk.now = NOW + 60 * SECOND
            if now:
                desk.work()
        desk.work(after_seconds=3600)
        found = desk.delivery(planned).state, desk.reasons("+15550100001")
        assert {row.state for row in desk.rows()} == {"done"}
        database.close()
    return found


@settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # six callbacks at most: nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(given_=arrivals(), start=st.sampled_from(("accepted", "unknown")), data=st.data())
def test_any_order_and_any_copies_end_alike(
    sqlite_template: Path, given_: Any, start: str, data: st.DataObject
) -> None:
    timed, orders = given_
    ends = [learned(sqlite_template, start, timed, [True] * len(timed))]
    for order in orders:
        size = len(order)
        steps = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
        ends.append(learned(sqlite_template, start, order, steps))
    assert ends[1:] == ends[:1] * 2
