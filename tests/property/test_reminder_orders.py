"""Reminders in any order of pausing, ending, handing on, waiting, planning and dying: each at most once."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.engine import Database
from tests.fakes.reminding_story import DEEDS, EVENTS, STREAMS, WAITS, Story

_steps = st.one_of(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(STREAMS)),
    st.tuples(st.just("wait"), st.sampled_from(WAITS)),
    st.tuples(st.sampled_from(DEEDS), st.none()),
)


@given(steps=st.lists(_steps, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_reminds_twice_or_of_what_is_over(
    sqlite_template: Path, steps: list[tuple[str, float | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copyfile(sqlite_template, Path(folder) / "story.db")
        database = Database.open(f"sqlite:///{path}")
        try:
            story = Story(database)
            for step in steps:
                story.happen(*step)
            story.settle()
            story.check()
        finally:
            database.close()
