"""A process that delivers what is due by two providers, until nothing is left to do; a test kills it.

The first provider refuses every other letter before the mark and the rest after it, so that all of them end
up at the second, which keeps a line for each letter that it took.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from notifier.channels.channel import Letter, Receipt
from notifier.channels.several import Several
from notifier.deliver import Deliverer
from notifier.errors import ChannelUnavailable, RateLimited
from notifier.group_commit import GroupCommit
from notifier.letters import Letters
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.schema import delivery
from notifier.spending import UNCOUNTED, Caps, Spending
from notifier.sweep import Sweeper
from store.engine import Database
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import vault

LEASE_SECONDS = 0.5
_OPEN = ("pending", "queued", "claimed", "handed_off", "retry_wait")
_PATIENCE_SECONDS = 30


class Handover:
    def __init__(self, letter: Letter, taken: Path | None) -> None:
        self._letter = letter
        self._taken = taken

    async def send(self) -> Receipt:
        if self._taken is None:
            raise RateLimited("too many")
        with self._taken.open("a") as lines:
            lines.write(f"{self._letter.delivery_id}\n")
            lines.flush()
            os.fsync(lines.fileno())
        return Receipt(provider_message_id=f"m-{self._letter.delivery_id}")


class Provider:
    """`taken`: where the letters that it took are kept; None: it takes none."""

    def __init__(self, provider: str, taken: Path | None) -> None:
        self.provider = provider
        self._taken = taken

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: str) -> AsyncIterator[Handover]:
        del destination
        if self._taken is None and letter.delivery_id.int % 2:
            raise ChannelUnavailable("refused")
        yield Handover(letter, self._taken)

    async def close(self) -> None:
        pass


async def deliver(database: Database, taken: Path, spending: Spending = UNCOUNTED) -> None:
    """Work until every delivery has come to an end, or patience is over."""
    channel = Several("email", (Provider("one", None), Provider("two", taken)))
    deliverer = Deliverer(
        moves=GroupCommit(database),
        letters=Letters(vault(), Renderer(), guests=EVERYBODY),
        channels={"email": channel},
        lease_seconds=LEASE_SECONDS,
        worker="w",
        spending=spending,
    )
    messages: list[tuple[Any, int]] = []
    options = RelayOptions(
        name=f"r{os.getpid()}",
        providers={"email": channel.provider},
        queue_limit=100,
        poll_seconds=1,
    )
    relay = Relay(
        database, lambda _, planned, generation: messages.append((planned, generation)), options
    )
    sweeper = Sweeper(database, sweep_seconds=1)
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and _left(database):
        sweeper.step()
        messages.clear()
        relay.step()
        for planned, generation in messages:
            await deliverer.deliver(planned, generation)
        await asyncio.sleep(0.05)
    await deliverer.close()


def _left(database: Database) -> int:
    with database.read() as conn:
        query = select(func.count()).select_from(delivery).where(delivery.c.state.in_(_OPEN))
        return conn.scalar(query) or 0


if __name__ == "__main__":
    price, cap = map(int, sys.argv[3:] or (0, 0))
    counted = Spending(Caps(prices={"email": price}, total=cap))
    asyncio.run(deliver(Database.open(sys.argv[1]), Path(sys.argv[2]), counted))
