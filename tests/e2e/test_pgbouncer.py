"""Everything behind PgBouncer in transaction pooling: rivals and kills as without it."""

from pathlib import Path

import pytest

from tests.e2e.harness import BackEnd, site
from tests.e2e.kills import Kill, Lane, deal, in_doubt

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.rabbitmq]


def test_two_indexers_and_two_notifiers_through_the_pooler(
    tmp_path: Path, pooled_url: str, rabbitmq_url: str, namespace: str
) -> None:
    with site(tmp_path, BackEnd(pooled_url, rabbitmq_url, namespace)) as here:
        here.import_people()
        lanes = [
            Lane(here, "index", [Kill("in_record", 5)]),
            Lane(here, "index", [Kill("in_project", 2)]),
            Lane(here, "notify", [Kill("after_handoff", 6)]),
            Lane(here, "notify", [Kill("in_facts", 2)]),
        ]
        kills = deal(here, lanes)
        assert len(kills) == 4
        here.assert_nothing_lost_or_doubled(in_doubt=in_doubt(kills))
