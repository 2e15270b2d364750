"""A webhook that mirrors all news of a contract: subscribed before the kills, judged as its receiver would.

Its receiver knows a repeat by the id, so there is no doubt: whatever was killed, each piece of news comes,
in the order of its stream, signed, and says the same each time.
"""

from collections import defaultdict
from contextlib import closing

from sqlalchemy import func, select

from cli.sinks import RECEIVERS, caught_lines
from cli.wiring import Deployment
from config.layers import load
from notifier.schema import attempt, delivery
from notifier.states import DELIVERED, UNKNOWN
from notifier.webhooks import subscriptions
from notifier.webhooks.subscriptions import WEBHOOK, Owner, Wanted
from simulator.truth import read_truth
from store.clock import now_micros
from tests.e2e.day.evidence import CONTRACT_NEWS, STREAM_NEWS
from tests.e2e.day.posts import read_post
from tests.e2e.harness import Site

_NAME = "mirror"


class Mirror:
    """Subscribed on a site that is migrated."""

    def __init__(self, site: Site) -> None:
        self._site = site
        network, deployment = site.network, Deployment(load(site.environment))
        with closing(deployment.database):
            vault = deployment.vault
        wanted = Wanted(f"{network.web_url}/webhooks/{_NAME}", contract_id=network.contract_id)
        with site.database.begin() as conn:
            made = subscriptions.create(conn, vault, wanted, owner=Owner(None), now=now_micros())
        self._key = made[1]

    def doubts(self) -> int:
        """Posts of which a killed process said nothing: tried again, so that nobody has to know."""
        ours = attempt.join(delivery, delivery.c.delivery_id == attempt.c.delivery_id)
        count = select(func.count()).select_from(ours)
        is_one = (delivery.c.channel == WEBHOOK) & (attempt.c.result == UNKNOWN)
        with self._site.database.read() as conn:
            return conn.scalar(count.where(is_one)) or 0

    def assert_all_came_in_order(self) -> None:
        """Once everything is at rest."""
        network = self._site.network
        kinds = (*STREAM_NEWS, *CONTRACT_NEWS)
        news = [line for line in read_truth(network.truth_path) if line["kind"] in kinds]
        assert self._site.judge().deliveries[WEBHOOK] == {DELIVERED: len(news)}
        lines = caught_lines(network.options.state_dir / RECEIVERS.file)
        posts = [read_post(line, {_NAME: self._key}) for line in lines]
        assert all(post.is_signed for post in posts)
        assert {post.event_id for post in posts} == {line["event_id"] for line in news}
        assert len({post.identity for post in posts}) == len(news)
        assert len({(line["id"], line["text"]) for line in lines}) == len(news)
        places = defaultdict(list)
        for post in posts:
            places[post.stream].append(post.position)
        assert all(found == sorted(found) for found in places.values())
