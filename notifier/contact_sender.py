"""Sends letters about contacts: claim, prepare, mark, send, settle; on channels of its own.

In: what contact_letters.py holds. Out: letters handed to a channel at most once each. These letters are
not deliveries: they tell of no event, are counted in no objective and are never sent again after the mark.
The sending switch, the suppression and the guest list hold here as there; only a code may go to a place
that is written to no more, since its owner asks to hear from us again: never against a STOP.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import ColumnElement, Connection, Row, case, delete, or_, select, update

from notifier import contact_letters, contact_links, suppression, switch, unsubscribing
from notifier.channels.channel import Channel, Letter
from notifier.contact_letters import contact_letter
from notifier.contact_words import ADDED, CODE, ContactRenderer
from notifier.errors import OutcomeUnknown, Permanent
from notifier.guard import place_of
from notifier.guests import NOT_A_GUEST, GuestList, marked
from notifier.privacy import Vault
from notifier.running import run_until
from notifier.schema import recipient
from notifier.spending import NOTHING, UNCOUNTED, Paid, Spending
from notifier.ways_out import ways_out
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError

CONTACT_LETTER_SETTLED: Final = "contact_letter_settled"
_SECOND: Final = 1_000_000
_LEASE: Final = 120 * _SECOND
_PAUSES: Final = (5 * _SECOND, 30 * _SECOND, 120 * _SECOND)
_KEPT: Final = 48 * 3_600 * _SECOND
_AT_ONCE: Final = 20


class ContactSender:
    """One process's share; any number of processes may have one."""

    def __init__(  # noqa: PLR0913 # what one process sends with
        self,
        database: Database,
        vault: Vault,
        channels: Mapping[str, Channel],
        *,
        poll_seconds: float,
        guests: GuestList,
        public_url: str | None = None,
        spending: Spending = UNCOUNTED,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self._database = database
        self._vault = vault
        self._channels = channels
        self._poll_seconds = poll_seconds
        self._guests = guests
        self._public_url = public_url
        self._spending = spending
        self._clock = clock
        self._renderer = ContactRenderer()
        self._log = structlog.get_logger()

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop."""
        with asyncio.Runner() as runner:
            run_until(
                stop,
                lambda: runner.run(self.step()),
                pause=lambda: stop.wait(self._poll_seconds),
                role="contact letters",
            )
            runner.run(self._close())

    async def step(self) -> int:
        """Send what is due, at most twenty letters; returns how many were worked on."""
        token = uuid4().hex
        with self._database.begin() as conn:
            due = self._claim(conn, token, self._clock())
        await asyncio.gather(*(self._send(row, token) for row in due))
        return len(due)

    async def _close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    def _claim(self, conn: Connection, token: str, now: int) -> Sequence[Row[Any]]:
        _tidy(conn, now)
        if switch.status(conn).paused:
            return ()
        letter = contact_letter.c
        place = (letter.channel, letter.destination_lookup)
        code = (letter.kind == CODE, suppression.keeps_code(*place, letter.created_at))
        kept = case(code, else_=suppression.reason_for(*place)).label("kept")
        due = conn.execute(
            select(contact_letter, recipient.c.wrapped_key, kept)
            .join_from(contact_letter, recipient, recipient.c.recipient_id == letter.recipient_id)
            .where(
                letter.state == contact_letters.PENDING,
                letter.available_at <= now,
                or_(letter.lease_until.is_(None), letter.lease_until < now),
                recipient.c.wrapped_key.is_not(None),
            )
            .order_by(letter.available_at)
            .limit(_AT_ONCE)
            .with_for_update(of=contact_letter, skip_locked=True)
        ).all()
        claimed = letter.letter_id.in_([row.letter_id for row in due])
        conn.execute(
            update(contact_letter)
            .where(claimed)
            .values(token=token, lease_until=now + _LEASE, attempts=letter.attempts + 1)
        )
        return due

    async def _send(self, row: Row[Any], token: str) -> None:
        channel = self._channels.get(row.channel)
        if channel is None or row.kept is not None:
            self._settle(row, token, contact_letters.WITHHELD, "no such channel or suppressed")
            return
        price, marked_at = 0, None
        try:
            letter, place = self._written(row)
            if (destination := self._guests.admit(row.channel, place)) is None:
                self._settle(row, token, contact_letters.WITHHELD, NOT_A_GUEST)
                return
            async with channel.prepare(letter, destination) as handover:
                price = self._spending.cost(row.channel, letter.text)
                marked_at = self._mark(row, token, price)
                if marked_at is None:
                    return
                await handover.send()
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 # the guard: a fault stays with its letter
            self._failed(row, token, error, Paid(price, marked_at))
            return
        self._settle(row, token, contact_letters.SENT, None)

    def _written(self, row: Row[Any]) -> tuple[Letter, str]:
        key = self._vault.unwrap(row.wrapped_key, row.recipient_id)
        destination, words = contact_letters.opened(key, row)
        unsubscribe = self._unsubscribe_url(row)
        out = ways_out(self._public_url, unsubscribe)
        link = contact_links.address_of(self._public_url, words.token)
        said = self._renderer.render(row.kind, words, row.channel, out, link)
        said = marked(said, self._guests.mark)
        letter = Letter(
            delivery_id=row.letter_id,
            thread=f"contact.{row.contact_id}",
            subject=said.subject,
            text=said.text,
            html=said.html,
            planned_at=row.created_at,
            deadline_at=row.expires_at,
            kind=f"contact_{row.kind}",
            unsubscribe_url=unsubscribe,
        )
        return letter, destination

    def _unsubscribe_url(self, row: Row[Any]) -> str | None:
        """Only what goes on coming can be ended: a code was asked for, a removed place gets no more."""
        if row.kind != ADDED:
            return None
        return unsubscribing.link_for(
            self._vault, row.channel, row.destination_lookup, self._public_url
        )

    def _mark(self, row: Row[Any], token: str, price: int) -> int | None:
        """The hand-off mark, and when; None: overtaken, or nothing may leave just now, or today."""
        now = self._clock()
        mine = (*_held(row.letter_id, token), contact_letter.c.expires_at > now)
        changes: dict[str, Any] = {"state": contact_letters.HANDED_OFF}
        with self._database.begin() as conn:
            if switch.status(conn).paused:
                return None
            paid = not price or self._spending.take(conn, row.channel, price, now)
            if not paid:
                until = self._spending.refuse(conn, row.channel, now)
                changes = {"token": None, "lease_until": None, "available_at": until}
            marked = conn.execute(update(contact_letter).where(*mine).values(changes)).rowcount
            if price and paid and not marked:
                self._spending.give_back(conn, row.channel, price, now)
        return now if marked and paid else None

    def _failed(self, row: Row[Any], token: str, error: Exception, paid: Paid) -> None:
        """What an error proves: nothing left, nothing ever will, or nobody knows: that stays paid."""
        reason = place_of(error)
        known = hasattr(error, "detail") and not isinstance(error, OutcomeUnknown)
        if paid.at is not None and not known:
            self._settle(row, token, contact_letters.UNKNOWN, reason)
        elif isinstance(error, Permanent) or not known or row.attempts >= len(_PAUSES):
            self._settle(row, token, contact_letters.FAILED, reason, back=paid)
        else:
            waits = (contact_letters.PENDING, reason, _PAUSES[row.attempts])
            self._settle(row, token, *waits, back=paid)

    def _settle(
        self,
        row: Row[Any],
        token: str,
        state: str,
        reason: str | None,
        pause: int = 0,
        *,
        back: Paid = NOTHING,
    ) -> None:
        at = self._clock() + pause
        with self._database.begin() as conn:
            self._spending.pay_back(conn, row.channel, back)
            conn.execute(
                update(contact_letter)
                .where(contact_letter.c.letter_id == row.letter_id, contact_letter.c.token == token)
                .values(state=state, token=None, lease_until=None, available_at=at)
            )
        facts = {"letter_id": str(row.letter_id), "channel": row.channel, "state": state}
        if reason is None:
            self._log.info(CONTACT_LETTER_SETTLED, **facts)
        else:
            self._log.warning(CONTACT_LETTER_SETTLED, **facts, reason=reason)


def _held(letter_id: UUID, token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        contact_letter.c.letter_id == letter_id,
        contact_letter.c.token == token,
        contact_letter.c.state == contact_letters.PENDING,
    )


def _tidy(conn: Connection, now: int) -> None:
    """A dead worker's letters are unknown, late ones expired, old ones forgotten."""
    letter = contact_letter.c
    for origin, over, state in (
        (contact_letters.HANDED_OFF, letter.lease_until < now, contact_letters.UNKNOWN),
        (contact_letters.PENDING, letter.expires_at <= now, contact_letters.EXPIRED),
    ):
        conn.execute(
            update(contact_letter)
            .where(letter.state == origin, over)
            .values(state=state, token=None, lease_until=None)
        )
    conn.execute(delete(contact_letter).where(letter.created_at < now - _KEPT))
