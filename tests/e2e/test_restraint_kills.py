"""SIGKILL while what was held is gathered: each notice is told once, by itself or in one digest."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Row, func, select

from notifier.digests import ANSWERED, OVERTAKEN
from notifier.schema import delivery
from notifier.states import ACCEPTED, CANCELLED, DELIVERED, HELD, UNKNOWN
from tests.e2e.harness import BackEnd, Site, site, until
from tests.e2e.kills import OF_RESTRAINT, Kill, Lane, deal

pytestmark = pytest.mark.e2e

WINDOW_SECONDS = 2
REACHED = (ACCEPTED, DELIVERED, UNKNOWN)
(IN_GATHER,) = OF_RESTRAINT
KILLS = (
    Kill(IN_GATHER, 1),
    Kill(IN_GATHER, 2),
    Kill("in_plan", 2),
    Kill(IN_GATHER, 1),
    Kill("after_claim", 2),
    Kill(IN_GATHER, 3),
)


def test_gathering_survives_any_death(tmp_path: Path, back_end: BackEnd) -> None:
    with site(tmp_path, back_end) as here:
        here.environment |= {
            "PAUSEWIRE_RESTRAINT__WINDOW_SECONDS": str(WINDOW_SECONDS),
            "PAUSEWIRE_RESTRAINT__COLLECT_SECONDS": "0.5",
        }
        here.run("db", "upgrade")
        here.import_people()
        kills = deal(here, [Lane(here, "index", ()), Lane(here, "notify", KILLS)])
        assert kills == list(KILLS)
        until(lambda: not held(here), seconds=60, what="everything held was gathered")
        here.settle()
        verdict = here.judge()
        assert not verdict.lost
        assert not verdict.duplicated
        assert_each_is_accounted_for(here)


def held(here: Site) -> int:
    with here.database.read() as conn:
        waiting = select(func.count()).select_from(delivery).where(delivery.c.state == HELD)
        return conn.scalar(waiting) or 0


def assert_each_is_accounted_for(here: Site) -> None:
    with here.database.read() as conn:
        rows = {row.delivery_id: row for row in conn.execute(select(delivery))}
    for row in rows.values():
        assert row.state in (*REACHED, CANCELLED)
        if row.state == CANCELLED:
            assert row.reason in (ANSWERED, OVERTAKEN) or is_carried(row, rows)
    digests = [row for row in rows.values() if row.digest]
    assert digests, "nothing was told together"
    carriers = {row.carried_by for row in rows.values() if row.carried_by is not None}
    assert carriers <= {row.delivery_id for row in digests}


def is_carried(row: Row[tuple[object, ...]], rows: dict[UUID, Row[tuple[object, ...]]]) -> bool:
    """Whether a digest that left, or should not, names it."""
    carrier = rows[row.carried_by]
    return row.reason == "digest" and (
        carrier.state in REACHED or carrier.reason in (ANSWERED, OVERTAKEN)
    )
