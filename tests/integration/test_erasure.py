"""A person who is erased while news of theirs is being delivered, on both databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select, update

from notifier.deliver import Deliverer
from notifier.erasure import Erased, erase
from notifier.errors import ChannelUnavailable
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.recipients import open_private
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.schema import attempt, delivery, recipient
from store.clock import now_micros
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import plan, vault


class Meanwhile(FakeChannel):
    """Erases while the letter is prepared, before anything is handed over."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self._act = act

    @asynccontextmanager
    async def prepare(self, letter, destination) -> AsyncIterator[Any]:
        self._act()
        async with super().prepare(letter, destination) as handover:
            yield handover


@pytest.fixture
def account(database) -> str:
    """Somebody with one mail that is queued."""
    with database.begin() as conn:
        plan(conn, state="queued", generation=1)
        row = conn.execute(select(recipient)).one()
    key = vault().unwrap(row.wrapped_key, row.recipient_id)
    return open_private(key, row.recipient_id, row.private).account_id


def erased(database, account) -> Erased:
    with database.begin() as conn:
        return erase(conn, vault(), account, now_micros())


def row(database) -> Any:
    with database.read() as conn:
        return conn.execute(select(delivery)).one()


async def delivered(database, channel) -> Any:
    deliverer = Deliverer(
        moves=GroupCommit(database),
        letters=Letters(vault(), Renderer(), guests=EVERYBODY),
        channels={"email": channel},
        lease_seconds=120,
        worker="w",
    )
    await deliverer.deliver(row(database).delivery_id, row(database).generation)
    await deliverer.close()
    return row(database)


async def test_what_is_claimed_does_not_leave(database, account):
    channel = Meanwhile(lambda: erased(database, account))
    after = await delivered(database, channel)
    assert channel.sent == []
    assert (after.state, after.reason) == ("cancelled", "erased")


async def test_what_has_been_handed_over_ends_as_it_ends_and_its_words_go_with_the_next_run(
    database, account
):
    done: list[Erased] = []
    channel = FakeChannel()
    channel.on_send = lambda: done.append(erased(database, account))
    after = await delivered(database, channel)
    assert (done[0].under_way, done[0].withdrawn) == (1, 0)
    assert after.state == "accepted"
    assert erased(database, account) == Erased(
        fresh=False, contacts=0, withdrawn=0, under_way=0, notices=0
    )
    with database.read() as conn:
        assert conn.scalars(select(attempt.c.detail)).all() == [None]


async def test_what_failed_while_it_was_handed_over_is_not_tried_again(database, account):
    channel = FakeChannel(failing=ChannelUnavailable("not now"))
    channel.on_send = lambda: erased(database, account)
    assert (await delivered(database, channel)).state == "retry_wait"
    with database.begin() as conn:
        conn.execute(update(delivery).values(available_at=0))
    options = RelayOptions(name="r", providers={"email": "fake"}, queue_limit=10, poll_seconds=1)
    Relay(database, lambda *_: None, options).step()
    again = FakeChannel()
    after = await delivered(database, again)
    assert again.sent == []
    assert after.state == "cancelled"
