"""What the feed says beside the log: the operators' word, and how many notices wait for an account.

In:   the readers of this process; those who want their inbox name its account by a keyed hash.
Out:  to each reader a state, where it differs from the one told before; none could be missed.
Next: feed_reader.py sends it between two messages, without an id, so that it moves nobody's place.

One look serves all readers. Counting walks through an inbox, so an account is counted when its newest
notice changes, when it was marked as read in this process, and every ten seconds.
"""

import asyncio
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from fastapi.sse import format_sse_event
from sqlalchemy import Connection

from api.announcement import Announcement, announced
from api.feed_reader import Reader
from api.feed_schemas import BannerMessage, InboxMessage
from api.shown import from_micros
from api.snapshot import snapshot_of
from notifier.inbox import Waiting, newest_of, waiting_of
from store.engine import Database
from store.errors import StoreError

log = structlog.get_logger()

ASIDES_NOT_READ: Final = "feed_asides_not_read"
BANNER: Final = "banner"
INBOX: Final = "inbox"
COUNT_SECONDS: Final = 10.0
_LEAST_SECONDS: Final = 0.05  # a restart is met by everybody at once: one look is for many


class Seen(NamedTuple):
    """One look. `newest`: of each account's notices, microseconds; `waiting`: of those counted."""

    said: Announcement | None
    newest: Mapping[str, int]
    waiting: Mapping[str, Waiting]


def look(
    conn: Connection, accounts: Collection[str], known: Mapping[str, int], due: AbstractSet[str]
) -> Seen:
    """Read what is said; counted are the accounts that are due, or whose newest is not the one known."""
    newest = newest_of(conn, accounts)
    counted = {each for each in accounts if each in due or known.get(each) != newest.get(each)}
    return Seen(announced(conn), newest, waiting_of(conn, counted))


def banner_wire(said: Announcement | None) -> bytes:
    """The operators' word on the wire; None: it was taken back."""
    told = BannerMessage(text=None, since=None)
    if said is not None:
        told = BannerMessage(text=said.text, since=from_micros(said.since))
    return _wire(BANNER, told)


class Asides:
    """Looks for all readers, at once when somebody comes, then every so many seconds."""

    def __init__(
        self, database: Database, readers: AbstractSet[Reader], *, every_seconds: float
    ) -> None:
        self._database = database
        self._readers = readers
        self._every_seconds = every_seconds
        self._asked = asyncio.Event()
        self._known: dict[str, int] = {}
        self._waiting: dict[str, Waiting] = {}
        self._due: set[str] = set()
        self._count_at = 0.0
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    def begin(self) -> None:
        """Somebody has come: look at once, and go on until nobody reads."""
        self._asked.set()
        if not self._closed and (self._watching is None or self._watching.done()):
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look no more; returns when no look is under way."""
        self._closed = True
        self._asked.set()
        watching = self._watching
        if watching is not None and watching.get_loop() is asyncio.get_running_loop():
            await watching

    def changed(self, account: str) -> None:
        """The inbox of an account has changed in this process: look at it at once."""
        if any(reader.account == account for reader in self._readers):
            self._due.add(account)
            self._asked.set()

    async def _watch(self) -> None:
        while self._readers and not self._closed:
            self._asked.clear()
            try:
                self._tell(await self._look())
            except StoreError as error:
                log.warning(ASIDES_NOT_READ, reason=type(error).__name__)
            await asyncio.sleep(min(_LEAST_SECONDS, self._every_seconds))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_seconds):
                    await self._asked.wait()

    async def _look(self) -> Seen:
        accounts = {reader.account for reader in self._readers if reader.account is not None}
        now = asyncio.get_running_loop().time()
        if now >= self._count_at:
            self._count_at = now + COUNT_SECONDS
            self._due |= accounts
        due, self._due = self._due, set()
        known = {each: self._known[each] for each in accounts if each in self._known}
        seen = await snapshot_of(self._database).read(lambda conn: look(conn, accounts, known, due))
        self._known = dict(seen.newest)
        counted = self._waiting | dict(seen.waiting)
        self._waiting = {each: counted[each] for each in accounts if each in counted}
        return seen

    def _tell(self, seen: Seen) -> None:
        word = banner_wire(seen.said)
        for reader in list(self._readers):
            if seen.said is not None or reader.was_told(BANNER):
                reader.say(BANNER, word)
            if reader.account is not None:
                nothing = Waiting(unread=0, newest=None)
                waiting = self._waiting.get(reader.account, nothing)
                reader.say(INBOX, _wire(INBOX, InboxMessage(*waiting)))


def _wire(event: str, said: Any) -> bytes:
    return format_sse_event(event=event, data_str=msgspec.json.encode(said).decode())
