"""13 Patience: where the far side says that it is too much, all that goes there waits, not one letter only.

In: how an attempt ended. Out: the bucket of its provider or site, held for as long as was asked.
Next: pacing.py and gate.py let nothing pass until then.

Who asks: a provider by 429, or 503 with Retry-After; a mail domain through the relay by an SMTP 4xx that
is not about the letter; a push service, a room or a webhook's receiver for itself. Who asks again has it
for longer; one thing that it takes when the time is over ends that.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from notifier import buckets
from notifier.buckets import provider_bucket, site_bucket
from notifier.channels.channel import Receipt
from notifier.errors import Deferred, RateLimited, Throttled
from notifier.result import SENDING, Result
from notifier.schema import contact
from notifier.webhooks.subscriptions import WEBHOOK
from store.gather import ask_once, at_end

EMAIL = "email"


def held_until(conn: Connection, names: Sequence[str], now: int) -> int | None:
    """Until when one of these buckets is held; None: none is. A crowd asks once."""
    held = ask_once(conn, buckets.held)
    until = max((held.get(name, 0) for name in names), default=0)
    return until if until > now else None


def heed(conn: Connection, result: Result, *, channel: str, place: UUID | None) -> None:
    """Where the far side says that it is too much, leave it alone: all of it, not this delivery only."""
    answer = result.answer
    if isinstance(answer, Receipt):
        _thank(conn, result, channel, place)
    if not _asks_for_patience(answer):
        return
    site = _site_of(conn, channel, place)
    if isinstance(answer, Throttled) and site is None:
        return  # we do not know whose patience is asked for: the delivery's own wait must do
    # A mail's site speaks through the relay, which says so; elsewhere who has a site counts by it.
    by_site = isinstance(answer, Throttled) or channel != EMAIL
    name = provider_bucket(result.provider)
    if site is not None and by_site:
        name = site_bucket(channel, site)
    asked = _Asked(name, result.retry_after_seconds, result.ended_at)
    at_end(conn, _hold, asked, turn=buckets.BUCKETS_TURN)


def _thank(conn: Connection, result: Result, channel: str, place: UUID | None) -> None:
    """What is taken after a hold ends the doubling. Whose site it is, is asked where one was held."""
    over = {name for name, at in ask_once(conn, buckets.held).items() if at <= result.ended_at}
    names = over & {provider_bucket(result.provider)}
    if any(name.startswith(site_bucket(channel, "")) for name in over):
        names |= over & {site_bucket(channel, _site_of(conn, channel, place) or "")}
    for name in names:
        at_end(conn, _forgive, _Asked(name, None, result.ended_at), turn=buckets.BUCKETS_TURN)


class _Asked(NamedTuple):
    """A bucket to hold. `seconds`: as the far side named them; `at`: microseconds."""

    bucket: str
    seconds: int | None
    at: int


def _hold(conn: Connection, asked: Sequence[_Asked]) -> None:
    for each in asked:
        buckets.hold(conn, each.bucket, seconds=each.seconds, now=each.at)


def _forgive(conn: Connection, taken: Sequence[_Asked]) -> None:
    buckets.forgive(conn, {each.bucket for each in taken}, min(each.at for each in taken))


def nothing_left(result: Result) -> bool:
    """Whether an attempt used nothing up: it ended before the hand-off, and not for being too much."""
    if isinstance(result.answer, Receipt) or result.phase == SENDING:
        return False
    return not _asks_for_patience(result.answer)


def _asks_for_patience(answer: object) -> bool:
    if isinstance(answer, RateLimited | Throttled):
        return True
    return isinstance(answer, Deferred) and answer.retry_after_seconds is not None


def _site_of(conn: Connection, channel: str, place: UUID | None) -> str | None:
    if place is None:
        return None
    if channel == WEBHOOK:
        return str(place)
    site = conn.scalar(select(contact.c.site_lookup).where(contact.c.contact_id == place))
    return site or None
