"""The network breaks: between leader and RPC, leader and database, everybody and the database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import URL, make_url, select

from store.schema import lease
from tests.e2e.harness import BackEnd, Process, Site, site, until
from tests.e2e.proxy import Proxy, proxied
from tests.e2e.story import Story

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.redis]

_TAKE_OVER_SECONDS = 90  # a transaction cut in the middle holds the head's row until it is ended
_AWAY_SECONDS = 3


def epoch(here: Site) -> int:
    with here.database.read() as conn:
        return conn.scalar(select(lease.c.epoch)) or 0


@contextmanager
def database_proxy(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before a PostgreSQL, and the database's URL through it."""
    address: URL = make_url(url)
    with proxied(address.host or "127.0.0.1", address.port or 5432) as proxy:
        through = address.set(host="127.0.0.1", port=proxy.port)
        yield proxy, through.render_as_string(hide_password=False)


def leader_and_standby(here: Site, **of_leader: str) -> tuple[Process, Process]:
    """Two indexers, the first of which leads, by a network of its own."""
    leader = here.start("index", **of_leader)
    until(lambda: epoch(here) >= 1, seconds=240, what="a leader")
    standby = here.start("index")
    until(lambda: "follower_started" in standby.log, seconds=240, what="a standby")
    return leader, standby


def is_replaced(here: Site, story: Story) -> None:
    """Somebody else leads, and records."""

    before = epoch(here)

    def somebody_else() -> bool:
        story.go_on()
        return epoch(here) > before

    until(somebody_else, seconds=_TAKE_OVER_SECONDS, what="the standby's turn")
    recorded = here.standing().events

    def it_goes_on() -> bool:
        story.go_on()
        return here.standing().events > recorded

    until(it_goes_on, seconds=240, what="the standby's events")


def test_a_leader_cut_off_from_the_rpc_lets_the_standby_lead(
    tmp_path: Path, postgresql_redis: BackEnd
) -> None:
    with ExitStack() as stack:
        here = stack.enter_context(site(tmp_path, postgresql_redis))
        parts = urlsplit(here.network.rpc_url)
        proxy = stack.enter_context(proxied(parts.hostname or "", parts.port or 0))
        here.import_people()
        here.start("notify")
        story = Story(here)
        leader, standby = leader_and_standby(
            here,
            PAUSEWIRE_NETWORK__RPC_URLS=f'["http://127.0.0.1:{proxy.port}"]',
            PAUSEWIRE_INGEST__REQUEST_TIMEOUT_SECONDS="1",
            PAUSEWIRE_INGEST__YIELD_SECONDS="2",
        )
        story.go_on_for(2)
        proxy.cut()
        is_replaced(here, story)
        proxy.mend()
        story.go_on_for(2)
        here.settle()
        assert "leadership_yielded" in leader.log
        assert leader.is_alive()
        assert standby.is_alive()
        here.assert_nothing_lost_or_doubled()


@pytest.mark.long
@pytest.mark.parametrize("way", ["empty_postgres_url", "pooled_url"])
def test_a_leader_cut_off_from_the_database_is_replaced_and_comes_back_harmless(
    tmp_path: Path, way: str, redis_url: str, request: pytest.FixtureRequest
) -> None:
    back_end = BackEnd(request.getfixturevalue(way), redis_url)
    with ExitStack() as stack:
        here = stack.enter_context(site(tmp_path, back_end))
        proxy, through = stack.enter_context(database_proxy(back_end.database_url))
        here.import_people()
        here.start("notify")
        story = Story(here)
        leader, standby = leader_and_standby(here, PAUSEWIRE_DATABASE__URL=through)
        story.go_on_for(2)
        proxy.cut()
        is_replaced(here, story)
        proxy.mend()
        story.go_on_for(2)
        here.settle()
        assert leader.is_alive()
        assert standby.is_alive()
        here.assert_nothing_lost_or_doubled()


@pytest.mark.long
def test_a_database_that_goes_away_is_waited_for_by_all(
    tmp_path: Path, postgresql_redis: BackEnd
) -> None:
    with ExitStack() as stack:
        proxy, through = stack.enter_context(database_proxy(postgresql_redis.database_url))
        here = stack.enter_context(site(tmp_path, postgresql_redis))
        here.environment["PAUSEWIRE_DATABASE__URL"] = through
        here.import_people()
        story = Story(here)
        processes = [*leader_and_standby(here), here.start("notify")]
        story.go_on_for(2)
        recorded = here.standing().events
        proxy.stop()
        story.go_on_for(_AWAY_SECONDS)
        proxy.mend()

        def it_goes_on() -> bool:
            story.go_on()
            return here.standing().events > recorded

        until(it_goes_on, seconds=_TAKE_OVER_SECONDS, what="events after it was away")
        here.settle()
        assert all(process.is_alive() for process in processes)
        here.assert_nothing_lost_or_doubled()
