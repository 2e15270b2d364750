"""Webhooks from news to the far side's answer: who is subscribed, in which order, and how it ends."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from notifier import turns
from notifier.channels.channel import Receipt
from notifier.deliver import Deliverer
from notifier.errors import Deferred, DestinationGone
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.schema import delivery, notice
from notifier.sweep import Sweeper
from notifier.webhooks import health, subscriptions
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import Owner, Wanted
from store.clock import now_micros
from store.engine import Database
from tests.fakes.chain import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    cancelled,
    contract_pause,
    created,
    event_id,
    paused,
    resumed,
    transferred,
)
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planning import World

DAY = 24 * 3600 * 1_000_000
URL = "https://payroll.example/hooks"


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database)


def subscribe(world: World, **wanted: Any) -> UUID:
    with world.database.begin() as conn:
        webhook_id, _ = subscriptions.create(
            conn, world.vault, Wanted(URL, **wanted), owner=Owner(None), now=now_micros()
        )
    return webhook_id


def posts(world: World, webhook_id: UUID) -> list[Any]:
    return world.rows(
        select(delivery)
        .where(delivery.c.channel == "webhook", delivery.c.endpoint == str(webhook_id))
        .order_by(delivery.c.lane_position)
    )


def row_of(world: World, webhook_id: UUID) -> Any:
    (row,) = world.rows(select(webhook).where(webhook.c.webhook_id == webhook_id))
    return row


class Far:
    """Relay and deliverer over a fake receiver."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.channel = FakeChannel(provider="webhook")
        self.channel.has_arrived = True
        self.queued: list[tuple[UUID, int]] = []
        options = RelayOptions(
            name="r", providers={"webhook": "webhook"}, queue_limit=100, poll_seconds=0.01
        )
        self.relay = Relay(
            world.database, lambda _, planned, n: self.queued.append((planned, n)), options
        )
        self.deliverer = Deliverer(
            moves=GroupCommit(world.database),
            letters=Letters(world.vault, Renderer(), guests=EVERYBODY),
            channels={"webhook": self.channel},
            lease_seconds=120,
            worker="w",
        )

    async def step(self) -> int:
        """Queue what may leave, and deliver it; returns how many."""
        self.relay.step()
        batch, self.queued = self.queued, []
        for planned, generation in batch:
            await self.deliverer.deliver(planned, generation)
        return len(batch)

    def bodies(self) -> list[Any]:
        return [json.loads(letter.text) for letter, _ in self.channel.sent]


def test_each_subscription_gets_what_it_asked_for_once(world: World) -> None:
    everything = subscribe(world)
    one_stream = subscribe(world, contract_id=CONTRACT, stream_id=7)
    other_stream = subscribe(world, contract_id=CONTRACT, stream_id=8)
    resumes = subscribe(world, kinds=("resumed",))
    employee = subscribe(world, account_id=EMPLOYEE)
    stranger = subscribe(world, account_id=OTHER)
    world.record(created(1), paused(2), resumed(3))
    world.plan()
    world.plan()
    counts = [
        len(posts(world, each))
        for each in (everything, one_stream, other_stream, resumes, employee, stranger)
    ]
    assert counts == [2, 2, 0, 1, 2, 0]


def test_a_contract_wide_pause_is_posted_once_however_many_it_concerns(world: World) -> None:
    hook = subscribe(world)
    world.record(created(1), created(1, 1, stream_id=8, employee=OTHER), contract_pause(2))
    world.plan()
    (post,) = posts(world, hook)
    assert post.lane == f"{hook}:{CONTRACT}:-"


def test_a_correction_goes_only_to_who_follows_that_account(world: World) -> None:
    everything, employee = subscribe(world), subscribe(world, account_id=EMPLOYEE)
    world.record(created(1), paused(4, employee=None))
    world.plan()
    world.record(transferred(2))  # late: EMPLOYEE was no party any more when it paused
    world.plan()
    kinds = {
        hook: {row.kind for row in world.rows(kinds_of(hook))} for hook in (everything, employee)
    }
    assert "correction" not in kinds[everything]
    assert "correction" in kinds[employee]


def kinds_of(hook: UUID) -> Any:
    of_notice = delivery.c.notice_id == notice.c.notice_id
    told = select(notice.c.kind).join_from(notice, delivery, of_notice)
    return told.where(delivery.c.endpoint == str(hook))


def test_nothing_is_planned_for_one_that_is_switched_off_or_ended(world: World) -> None:
    off, ended = subscribe(world), subscribe(world)
    with world.database.begin() as conn:
        assert subscriptions.disable(conn, off, "operator", now_micros())
        subscriptions.delete(conn, ended, now_micros())
    world.record(created(1), paused(2))
    world.plan()
    assert posts(world, off) == posts(world, ended) == []
    assert row_of(world, ended).private is None


async def test_a_later_event_of_a_stream_waits_for_the_earlier_one(world: World) -> None:
    hook, far = subscribe(world), Far(world)
    world.record(created(1), created(1, 1, stream_id=8), paused(2), resumed(3), cancelled(4))
    world.record(paused(5, stream_id=8))
    world.plan()
    assert len(posts(world, hook)) == 4
    far.channel.failing = Deferred("away", status_code=503)
    assert await far.step() == 2  # the first of each stream
    assert await far.step() == 0  # both wait for their next try, and the others for them
    far.channel.failing = None
    with world.database.begin() as conn:
        conn.execute(update(delivery).values(available_at=0))
    far.channel.sent.clear()
    sent = [await far.step() for _ in range(4)]
    assert sent == [2, 1, 1, 0]
    of_seven = [body for body in far.bodies() if body["data"]["stream_id"] == "7"]
    assert [body["type"] for body in of_seven] == [
        "stream.paused",
        "stream.resumed",
        "stream.cancelled",
    ]
    states = {(post.state, post.accepted_at == post.delivered_at) for post in posts(world, hook)}
    assert states == {("delivered", True)}
    await far.deliverer.close()


async def test_a_dead_one_lets_the_next_one_pass(world: World) -> None:
    hook, far = subscribe(world), Far(world)
    world.record(created(1), paused(2), resumed(3))
    world.plan()
    with world.database.begin() as conn:
        first = posts(world, hook)[0].delivery_id
        changed = update(delivery).where(delivery.c.delivery_id == first)
        conn.execute(changed.values(state="expired", reason="deadline"))
    assert await far.step() == 1
    assert far.bodies()[0]["type"] == "stream.resumed"
    await far.deliverer.close()


async def test_one_receiver_has_only_so_many_under_way(world: World) -> None:
    slow, other = subscribe(world), subscribe(world, contract_id=CONTRACT, stream_id=3)
    streams = range(1, 9)
    world.record(*(created(1, each, stream_id=each) for each in streams))
    world.record(*(paused(2, each, stream_id=each) for each in streams))
    world.plan()
    far = Far(world)
    far.relay.step()
    assert len(far.queued) == turns.UNDER_WAY_PER_RECEIVER + 1
    far.queued.clear()
    far.relay.step()
    assert far.queued == []  # until those have come back
    assert len(posts(world, slow)) == len(streams)
    assert len(posts(world, other)) == 1
    await far.deliverer.close()


async def test_a_receiver_that_is_gone_ends_its_subscription_and_it_can_come_back(
    world: World,
) -> None:
    hook, far = subscribe(world), Far(world)
    world.record(created(1), paused(2), resumed(3))
    world.plan()
    far.channel.failing = DestinationGone("gone", status_code=410)
    with capture_logs() as logs:
        assert await far.step() == 1
    assert [line["log_level"] for line in logs if line["event"] == "webhook_disabled"] == ["error"]
    assert (row_of(world, hook).state, row_of(world, hook).reason) == ("disabled", "gone")
    assert [post.state for post in posts(world, hook)] == ["failed", "cancelled"]
    far.channel.failing = None
    with world.database.begin() as conn:
        assert subscriptions.enable(conn, world.database.bell, hook, now_micros()) == 1
    assert await far.step() == 1
    assert [post.state for post in posts(world, hook)] == ["failed", "delivered"]
    await far.deliverer.close()


def test_days_of_failure_switch_it_off_and_one_success_forgets_them(world: World) -> None:
    now = now_micros()
    well, sick = subscribe(world), subscribe(world)
    with world.database.begin() as conn:
        for hook in (well, sick):
            health.note(conn, hook, Deferred("500"), now - 6 * DAY)
            health.note(conn, hook, Deferred("500"), now - DAY)
        health.note(conn, well, Receipt(provider_message_id="x"), now - DAY)
        health.note(conn, well, Deferred("500"), now)
    assert row_of(world, sick).failures == 2
    sweeper = Sweeper(world.database, sweep_seconds=1, disable_after_days=5, clock=lambda: now)
    sweeper.step()
    assert (row_of(world, sick).state, row_of(world, sick).reason) == ("disabled", "failing")
    assert (row_of(world, well).state, row_of(world, well).failures) == ("active", 1)
    with world.database.read() as conn:
        assert health.counts(conn) == {"disabled": 1, "failing": 1}


def test_two_secrets_sign_for_a_day_after_a_rotation(world: World) -> None:
    hook, now = subscribe(world), now_micros()
    with world.database.begin() as conn:
        key = subscriptions.rotate(conn, world.vault, row_of(world, hook), now)
    private = subscriptions.open_private(world.vault, row_of(world, hook))
    assert [secret.key == key for secret in subscriptions.live_secrets(private, now)] == [
        True,
        False,
    ]
    assert len(subscriptions.live_secrets(private, now + DAY)) == 1
    with world.database.begin() as conn:
        subscriptions.rotate(conn, world.vault, row_of(world, hook), now)
    private = subscriptions.open_private(world.vault, row_of(world, hook))
    assert len(private.secrets) == 2


async def test_the_body_says_what_happened_and_names_no_account(world: World) -> None:
    hook, far = subscribe(world), Far(world)
    world.record(created(1), paused(2))
    world.plan()
    await far.step()
    ((letter, destination),) = far.channel.sent
    body = json.loads(letter.text)
    (post,) = posts(world, hook)
    assert letter.delivery_id == post.delivery_id
    assert body["type"] == "stream.paused"
    assert body["timestamp"] == body["data"]["happened_at"]
    assert body["network"] == "Test SDF Network"
    assert body["data"]["event_id"] == event_id(2)
    assert body["data"]["position"] == str(post.lane_position)
    assert EMPLOYEE not in letter.text
    assert EMPLOYER not in letter.text
    assert URL in destination
    await far.deliverer.close()


async def test_the_page_shows_the_body_as_it_is_posted(world: World) -> None:
    subscribe(world)
    far = Far(world)
    world.record(created(1), paused(2))
    world.plan()
    await far.step()
    await far.deliverer.close()
    (body,) = far.bodies()
    page = (Path(__file__).parents[3] / "docs/api.md").read_text().partition("## Outgoing webhooks")
    example = re.search(r"```json\n(.*?)```", page[2], re.DOTALL)
    assert example is not None
    shown = json.loads(example[1])
    assert list(shown) == list(body)
    assert list(shown["data"]) == list(body["data"])
