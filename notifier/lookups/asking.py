"""Deliveries whose end was never told are asked for at their provider, few at a time.

In: accepted deliveries older than an hour, and unknown ones, of a provider that can be asked. Out: what
it says, kept as the callback that it would have been. Next: callbacks/working.py works it off.

Twice: the row of a question is taken with the time of its next one; a callback that came meanwhile, or
the same answer again, has the same key or moves nothing. What nobody knows stays as it is, for
`deliveries redrive`.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import aiohttp
import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    func,
    or_,
    select,
    text,
    update,
)

from notifier import buckets
from notifier.callbacks.arrivals import keep
from notifier.callbacks.tidings import Event
from notifier.composing import reference_of
from notifier.errors import DestinationRejected
from notifier.limits import Pace, Want
from notifier.lookups.provider import AskRefused, LookUp, Question
from notifier.privacy import Vault
from notifier.recipients import SealedPlace, open_place
from notifier.running import run_until
from notifier.schema import contact, delivery, recipient
from notifier.states import ACCEPTED, UNKNOWN
from store import bulk
from store.clock import now_micros
from store.engine import Database
from store.schema import metadata

ASKED = "providers_asked"
ASK_FAILED = "provider_not_asked"

NO_NEWS = "the provider knows no such message"
# Between one question and the next, of an accepted delivery and an unknown one alike; then it is left.
WAITS_SECONDS = (3600, 2 * 3600, 6 * 3600, 24 * 3600)
UNKNOWN_AFTER_SECONDS = 300  # a callback or a late answer is likelier before
WINDOW_SECONDS = 72 * 3600
AT_ONCE = 10
TIMEOUT_SECONDS = 15.0
_LOOK_SECONDS = 15.0
_SECOND = 1_000_000

# One row for each delivery that was asked for. `outcome`: what came of it, in a few words.
look_up = Table(
    "look_up",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("outcome", Text),
)
_COLUMNS = ("delivery_id", "tries", "due_at", "asked_at")
# As the partial index has it: a parameter would hide it from SQLite.
_ASKED_FOR = text(
    "delivery.channel IN ('email', 'sms') AND delivery.state IN ('accepted', 'unknown')"
)


class LookUps:
    """Asks; any number of processes may, each delivery is asked for by one."""

    def __init__(  # what one process asks with
        self,
        database: Database,
        vault: Vault,
        providers: Sequence[LookUp],
        *,
        after_seconds: float,
        pace: Pace | None,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._vault = vault
        self._providers = {each.provider: each for each in providers}
        self._after = int(after_seconds * _SECOND)
        self._pace = pace
        self._clock = clock
        self._log = structlog.get_logger()

    def run(self, stop: threading.Event) -> None:
        """Ask until told to stop."""
        with asyncio.Runner() as runner:
            run_until(
                stop,
                lambda: runner.run(self.step()),
                pause=lambda: stop.wait(_LOOK_SECONDS),
                role="look-ups",
            )

    async def step(self) -> int:
        """Ask for what is due, at most ten deliveries; returns how many."""
        if not self._providers:
            return 0
        with self._database.begin() as conn:
            due = self._take(conn, self._clock())
        if not due:
            return 0
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            answers = await asyncio.gather(*(self._ask(session, row) for row in due))
        with self._database.begin() as conn:
            for row, answer in zip(due, answers, strict=True):
                self._keep(conn, row, answer)
        self._log.info(ASKED, deliveries=len(due))
        return len(due)

    def _take(self, conn: Connection, now: int) -> list[Row[Any]]:
        """Those to ask for now, each with the time of its next question."""
        due = self._due(conn, now)
        admitted = []
        for provider in sorted({row.provider for row in due}):
            mine = [row for row in due if row.provider == provider]
            wants = [
                Want(row.delivery_id, (self._bucket(row),), urgent=False, deadline_at=2 * now)
                for row in mine
            ]
            found = buckets.decide(conn, wants, lambda _: self._pace, now=now, most=AT_ONCE)
            admitted += [row for row in mine if row.delivery_id in found.admitted]
        rows = [(row.delivery_id, (row.tries or 0) + 1, _next(row, now), now) for row in admitted]
        bulk.upsert_many(conn, look_up, ("delivery_id",), _COLUMNS, rows)
        return admitted

    def _due(self, conn: Connection, now: int) -> list[Row[Any]]:
        """Unknown ones first: soon their news takes another way, or a mail leaves once more."""
        due: list[Row[Any]] = []
        for state in (_is_unknown(now), _was_taken(now - self._after)):
            most = AT_ONCE - len(due)
            if most:
                due += conn.execute(_due(list(self._providers), state, now).limit(most))
        return due

    async def _ask(
        self, session: aiohttp.ClientSession, row: Row[Any]
    ) -> Event | AskRefused | None:
        question = Question(
            row.delivery_id,
            row.provider_message_id,
            self._destination(row),
            reference_of(row.notice_id),
            row.handed_off_at or row.planned_at,
        )
        try:
            return await self._providers[row.provider].ask(session, question)
        except AskRefused as error:
            return error

    def _destination(self, row: Row[Any]) -> str:
        """In clear; empty once it is gone: then only an id can be asked for."""
        try:
            return open_place(
                self._vault,
                SealedPlace(row.contact_id, row.recipient_id, row.wrapped_key, row.destination),
            )
        except DestinationRejected:
            return ""

    def _keep(self, conn: Connection, row: Row[Any], answer: Event | AskRefused | None) -> None:
        now = self._clock()
        outcome = NO_NEWS
        if isinstance(answer, AskRefused):
            outcome = str(answer)
            wait = answer.retry_after_seconds
            buckets.hold(conn, self._bucket(row), seconds=wait, now=now)
            facts = {"provider": row.provider, "reason": outcome}
            self._log.warning(ASK_FAILED, delivery_id=str(row.delivery_id), **facts)
        elif answer is not None:
            outcome = answer.kind
            told_by = self._providers[row.provider].callbacks
            keep(conn, self._vault, self._database.bell, told_by, [answer], now)
        mine = look_up.c.delivery_id == row.delivery_id
        conn.execute(update(look_up).where(mine).values(outcome=outcome))

    def _bucket(self, row: Row[Any]) -> str:
        """Of the questions to a provider: they must not use up what letters need."""
        return f"look-up:{self._providers[row.provider].callbacks}"


def _next(row: Row[Any], now: int) -> int:
    return now + WAITS_SECONDS[min(row.tries or 0, len(WAITS_SECONDS) - 1)] * _SECOND


def _is_unknown(now: int) -> ColumnElement[bool]:
    handed_off_at = func.coalesce(delivery.c.handed_off_at, delivery.c.planned_at)
    return and_(delivery.c.state == UNKNOWN, handed_off_at <= now - UNKNOWN_AFTER_SECONDS * _SECOND)


def _was_taken(until: int) -> ColumnElement[bool]:
    return and_(delivery.c.state == ACCEPTED, delivery.c.accepted_at <= until)


def _due(providers: Sequence[str], state: ColumnElement[bool], now: int) -> Select[Any]:
    again = and_(look_up.c.due_at <= now, look_up.c.tries <= len(WAITS_SECONDS))
    return (
        select(
            *(delivery.c.delivery_id, delivery.c.notice_id, delivery.c.provider),
            *(delivery.c.provider_message_id, delivery.c.handed_off_at, delivery.c.planned_at),
            *(delivery.c.contact_id, contact.c.recipient_id, contact.c.destination),
            *(recipient.c.wrapped_key, look_up.c.tries),
        )
        .select_from(
            delivery.outerjoin(contact, contact.c.contact_id == delivery.c.contact_id)
            .outerjoin(recipient, recipient.c.recipient_id == contact.c.recipient_id)
            .outerjoin(look_up, look_up.c.delivery_id == delivery.c.delivery_id)
        )
        .where(
            _ASKED_FOR,
            delivery.c.planned_at > now - WINDOW_SECONDS * _SECOND,
            delivery.c.provider.in_(providers),
            delivery.c.contact_id.is_not(None),  # the canary's is nobody's
            state,
            or_(look_up.c.delivery_id.is_(None), again),
        )
        .order_by(delivery.c.planned_at)
        .with_for_update(skip_locked=True, of=delivery)
    )


def asked_for(delivery_id: UUID) -> Select[Any]:
    """What came of asking for a delivery."""
    return select(look_up).where(look_up.c.delivery_id == delivery_id)
