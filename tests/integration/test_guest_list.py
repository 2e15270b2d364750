"""Outside production every way out is held by the guest list: all channels, one by one, on both databases.

A stranger's letter would travel through the channels that settings build; that nothing was tried at all is
what the attempts tell.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, insert, select, update

from config.canary_settings import CanarySettings
from config.channel_settings import EmailSettings, SmsSettings
from config.guest_settings import GuestSettings
from config.network_settings import NetworkSettings
from config.push_settings import PushSettings
from config.settings import Settings
from notifier.attempts import Message, claim
from notifier.canary import fall_due
from notifier.canary_planning import CanaryPlans
from notifier.channels.channel import Channel
from notifier.channels.loopback import LoopbackChannel
from notifier.channels.push_services import PushServices
from notifier.channels.several import Several
from notifier.channels.webhook import Receiver, destination_of
from notifier.contact_letters import contact_letter
from notifier.contact_sender import ContactSender
from notifier.contacts import ContactBook
from notifier.deliver import Deliverer
from notifier.drafts import Draft, Ready, Withheld
from notifier.group_commit import GroupCommit
from notifier.guests import NOT_A_GUEST
from notifier.guests_on import guests_of
from notifier.letters import Letters
from notifier.push_places import service_of
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.schema import attempt, delivery
from notifier.states import CANARY
from notifier.switched_on import build_channels
from notifier.webhooks import subscriptions
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import Owner, Wanted
from store.clock import now_micros
from store.engine import Database
from store.schema import ledger_close
from store.wake import Bell
from tests.fakes.chain import EMPLOYEE, created, paused, resumed
from tests.fakes.planned import plan, vault
from tests.fakes.planning import World
from tests.fakes.push_benches import PUSH_BENCHES, service_account
from tests.house.test_ways_out import channel_classes

NETWORK = "Test SDF Network ; September 2015"
HOOK = "https://payroll.example.test/hooks"
MAILBOX = "canary@example.test"
SUBSCRIPTION = json.dumps(
    {
        "endpoint": "https://push.example.test/x",
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
            "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    }
)


class Way(NamedTuple):
    """A way out of the process: the channel, and a place that is nobody's guest."""

    channel: str
    place: str


WAYS = {
    "email": Way("email", "ana@example.test"),
    "sms": Way("sms", "+15550100001"),
    "ntfy": Way("push", "ntfy:pausewire-ana"),
    "web-push": Way("push", SUBSCRIPTION),
    **{name: Way("push", bench.place) for name, bench in PUSH_BENCHES.items()},
    "webhook": Way("webhook", destination_of(Receiver(HOOK, (b"k" * 32,)))),
    "canary by email": Way("email", MAILBOX),
}


def settings(sms: str = "twilio", **changes: Any) -> Settings:
    """Everything that can be on, in staging."""
    account = service_account()
    fcm = {
        "project_id": account.project_id,
        "client_email": account.client_email,
        "private_key": account.private_key,
    }
    email = EmailSettings(enabled=True, host="mail.example.test", sender="alerts@example.test")
    texting = SmsSettings(
        provider=sms, account_sid="AC1", auth_token=SecretStr("t"), sender="+15550100000"
    )
    push = PushSettings(
        ntfy_url="https://ntfy.example.test",
        vapid_key=SecretStr("3Sd1cFSoqrDX6QkmjIVYvyq2Q_8jd5g4oP2dX0kTn3A"),
        fcm_key=SecretStr(json.dumps(fcm)),
        pushover_token=SecretStr("a" * 30),
        gotify_url="https://gotify.example.test",
        telegram_token=SecretStr("123456789:" + "A" * 35),
        slack=True,
        discord=True,
    )
    return Settings(
        environment="staging",
        network=NetworkSettings(passphrase=NETWORK),
        email=email,
        sms=texting,
        push=push,
        canary=CanarySettings(email=MAILBOX),
        **changes,
    )


def each_of(channels: Mapping[str, Channel]) -> Iterator[Channel]:
    for channel in channels.values():
        yield channel
        if isinstance(channel, PushServices):
            yield from channel.services.values()


def planned(world: World, way: str) -> UUID:
    """A delivery on this way, queued."""
    channel, place = WAYS[way]
    if way == "webhook":
        with world.database.begin() as conn:
            wanted = Wanted(HOOK)
            subscriptions.create(conn, world.vault, wanted, owner=Owner(None), now=now_micros())
        world.record(created(1), paused(2))
        world.plan()
    elif way == "canary by email":
        with world.database.begin() as conn:
            conn.execute(insert(ledger_close).values(ledger=1, closed_at=1_790_000_000))
            plan_canary(conn, world.database.bell, channel)
    else:
        with world.database.begin() as conn:
            plan(conn, channel, destination=place)
    with world.database.begin() as conn:
        (made,) = conn.scalars(select(delivery.c.delivery_id).where(delivery.c.channel == channel))
        conn.execute(
            update(delivery)
            .where(delivery.c.delivery_id == made)
            .values(state="queued", generation=1)
        )
    return made


def plan_canary(conn: Connection, bell: Bell, channel: str) -> None:
    now = now_micros()
    assert fall_due(conn, bell, now)
    CanaryPlans(channel).plan(conn, 0, now)


def letters(world: World, way: str, given: Settings) -> Letters:
    opens = world.vault if way == "webhook" else vault()
    guests = guests_of(given)
    return Letters(opens, Renderer(), guests=guests, canary_place=given.canary.email or "-")


async def attempted(world: World, way: str, given: Settings, made: UUID) -> Any:
    """The delivery, after a worker had it."""
    deliverer = Deliverer(
        moves=GroupCommit(world.database),
        letters=letters(world, way, given),
        channels=build_channels(given),
        lease_seconds=60,
        worker="w",
    )
    await deliverer.deliver(made, 1)
    await deliverer.close()
    with world.database.read() as conn:
        assert conn.execute(select(attempt)).all() == []
        return conn.execute(select(delivery).where(delivery.c.delivery_id == made)).one()


def test_every_channel_that_can_be_on_is_among_the_ways():
    made = [LoopbackChannel(), Several("email", ())]
    for provider in ("twilio", "vonage", "sns"):
        made += each_of(build_channels(settings(provider)))
    kinds = {kind.__name__ for each in made for kind in type(each).__mro__}
    assert channel_classes() <= kinds
    channels = build_channels(settings())
    assert {way.channel for way in WAYS.values()} == set(channels)
    push = channels["push"]
    assert isinstance(push, PushServices)
    services = {service_of(way.place) for way in WAYS.values() if way.channel == "push"}
    assert services == set(push.services)


@pytest.mark.parametrize("way", WAYS)
async def test_a_stranger_is_not_written_to(database: Database, way: str) -> None:
    world = World(database)
    made = planned(world, way)
    row = await attempted(world, way, settings(), made)
    assert (row.state, row.reason) == ("suppressed", NOT_A_GUEST)
    assert row.handed_off_at is None


@pytest.mark.parametrize("way", WAYS)
def test_a_guest_would_be(sqlite_database: Database, way: str) -> None:
    world = World(sqlite_database)
    planned(world, way)
    channel, place = WAYS[way]
    guest = "payroll.example.test" if channel == "webhook" else place
    given = settings(guests=GuestSettings(places=(guest,)))
    found = drafted(world, letters(world, way, given))
    assert isinstance(found, Draft | Ready)
    assert found.destination


def drafted(world: World, source: Letters) -> Draft | Ready | Withheld:
    with world.database.begin() as conn:
        (made,) = conn.scalars(select(delivery.c.delivery_id).where(delivery.c.state == "queued"))
        (held,) = claim(conn, [Message(made, 1, "t")], now=1, lease_until=2)
        assert held is not None
        return source.read(conn, held, source.look_up(conn, [held]))


def test_a_canary_that_ends_here_needs_no_guest(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        conn.execute(insert(ledger_close).values(ledger=1, closed_at=1_790_000_000))
        plan_canary(conn, sqlite_database.bell, CANARY)
        conn.execute(update(delivery).values(state="queued", generation=1))
    given = settings().model_copy(update={"canary": CanarySettings()})
    world = World(sqlite_database)
    found = drafted(world, letters(world, "canary by email", given))
    assert isinstance(found, Draft)


@pytest.mark.parametrize("way", ["email", "sms", "ntfy", "slack"])
async def test_a_letter_about_a_strangers_contact_is_withheld(database: Database, way: str) -> None:
    channel, place = WAYS[way]
    with database.begin() as conn:
        where = {"channel": channel, "destination": place}
        ContactBook(vault()).add(conn, EMPLOYEE, now=now_micros(), **where)
    given = settings()
    sender = ContactSender(
        database, vault(), build_channels(given), guests=guests_of(given), poll_seconds=1
    )
    assert await sender.step() == 1
    with database.read() as conn:
        assert conn.scalars(select(contact_letter.c.state)).all() == ["withheld"]


async def test_a_strangers_lane_of_webhooks_empties(database: Database) -> None:
    world = World(database)
    with database.begin() as conn:
        subscriptions.create(conn, world.vault, Wanted(HOOK), owner=Owner(None), now=now_micros())
    world.record(created(1), paused(2), resumed(3), paused(4))
    world.plan()
    given, queued = settings(), []
    channels = build_channels(given)
    options = RelayOptions(
        name="r", providers={"webhook": "webhook"}, queue_limit=100, poll_seconds=1
    )
    relay = Relay(database, lambda _, made, n: queued.append((made, n)), options)
    deliverer = Deliverer(
        moves=GroupCommit(database),
        letters=letters(world, "webhook", given),
        channels=channels,
        lease_seconds=60,
        worker="w",
    )
    while relay.step():
        batch, queued[:] = list(queued), []
        for made, generation in batch:
            await deliverer.deliver(made, generation)
    await deliverer.close()
    with database.read() as conn:
        of_hooks = delivery.c.channel == "webhook"
        ends = conn.execute(select(delivery.c.state, delivery.c.reason).where(of_hooks)).all()
        assert ends == [("suppressed", NOT_A_GUEST)] * 3
        hook = conn.execute(select(webhook)).one()
    assert (hook.state, hook.failures) == ("active", 0)
