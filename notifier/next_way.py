"""8g Next way: which of a person's channels has the news next, as their order says.

In: a notice, how it stands on each channel, and its reader's wishes. Out: the step that waits there, or new
deliveries; None where another channel carries it, or none is left.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select, update

from notifier import privacy, states
from notifier.beliefs import LEAVING, told, told_by
from notifier.content import EMAIL, IN_APP, decode_content
from notifier.digests import ANSWERED
from notifier.places import (
    IN_APP_ONLY,
    MICROS,
    PUSH,
    Place,
    PlannedDelivery,
    for_digest,
    places_for,
    sent_delivery,
)
from notifier.preferences import heed
from notifier.recipients import Recipient
from notifier.schema import delivery, notice
from notifier.spending import COST_CAP
from notifier.states import CANCELLED, HELD
from notifier.told_as import CHANGED_AT, DELIVERIES, DOUBT, ENDED_AS, LET_GO_AT
from notifier.ways import ARRIVED, INSTEAD_OF, STEPS, order_of
from notifier.webhooks.subscriptions import WEBHOOK

# Where news is carried, or was: nobody needs another way. What is in doubt for too long is not (doubts.py).
_CARRIED = frozenset(
    {
        *(states.PLANNED, states.PENDING, states.QUEUED, states.CLAIMED, states.HANDED_OFF),
        *(states.RETRY_WAIT, states.ACCEPTED, states.DELIVERED, states.COMPLAINED, states.UNKNOWN),
        # Its news no longer holds, or another message tells it.
        CANCELLED,
    }
)


class Next(NamedTuple):
    """The channel to go on with: the step that waits there, or new deliveries.

    `daily`: the bundle of the daily digest that the step then belongs to.
    """

    channel: str
    at: int
    step: Any | None
    made: tuple[PlannedDelivery, ...] = ()
    daily: str | None = None


def standing(conn: Connection, notice_id: UUID) -> Sequence[Row[Any]]:
    """How a notice stands on each channel, what ended last comes last."""
    own = (delivery.c[name] for name in ("delivery_id", "channel", "endpoint", "purpose", "bundle"))
    ended = (delivery.c.reason, ENDED_AS, LET_GO_AT, DOUBT)
    query: Select[Any] = select(*own, *ended).select_from(DELIVERIES)
    mine = query.where(delivery.c.notice_id == notice_id)
    return conn.execute(mine.order_by(CHANGED_AT, delivery.c.delivery_id)).all()


def is_overtaken(conn: Connection, row: Row[Any]) -> bool:
    """Whether its reader has, or is about to have, newer news of the same stream. `row`: of `notice`.

    Or need not have it, since all is again as they had it, and that is not what this news says.
    """
    newer = (
        select(notice.c.kind)
        .join_from(notice, delivery, delivery.c.notice_id == notice.c.notice_id)
        .where(
            notice.c.recipient_id == row.recipient_id,
            notice.c.contract_id == row.contract_id,
            notice.c.stream_id.is_not_distinct_from(row.stream_id),
            notice.c.position > row.position,
            delivery.c.channel != IN_APP,
        )
        .order_by(notice.c.position.desc())
        .limit(1)
    )
    if conn.scalar(newer.where(told_by((*LEAVING, HELD)))) is not None:
        return True
    answered = (delivery.c.state == CANCELLED) & (delivery.c.reason == ANSWERED)
    last = conn.scalar(newer.where(answered))
    return last is not None and told(last) != told(row.kind)


def next_way(
    row: Row[Any],
    there: Sequence[Row[Any]],
    person: Recipient,
    freshness: Mapping[str, int],
    now: int,
) -> Next | None:
    """Which channel comes next for this notice; None: none, or none is needed."""
    sent = _sent(there)
    steps = {each.channel: each for each in sent if _is_step(each)}
    if row.kind in IN_APP_ONLY or is_carried(there):
        return None
    failed = [each.channel for each in sent if each.channel not in steps]
    for channel in order_of(person.preferences):
        if channel in failed or channel not in freshness:
            continue
        wish = heed(person.preferences, row.kind, channel, now)
        if wish.withheld is not None:
            continue
        at = wish.held_until or now
        daily = _daily(row, person) if wish.daily else None
        if channel in steps:
            return Next(channel, at, steps[channel], daily=daily)
        places = [
            place
            for place in places_for(row.kind, person.contacts, (channel,))
            if place.suppressed is None
        ]
        if places:
            made = [
                _made(row, place, failed, at=at, fresh=freshness[channel], now=now)
                for place in places
            ]
            if daily is not None:
                made = [for_digest(each, daily) for each in made]
            return Next(channel, at, None, tuple(made))
    return None


def is_carried(there: Sequence[Row[Any]]) -> bool:
    """Whether a channel outside the app has the news, or is about to."""
    return any(_carries(each) for each in _sent(there))


def doubts_of(there: Sequence[Row[Any]]) -> frozenset[UUID]:
    """The letters that may have told it, and of which nobody told in time what became of them."""
    return frozenset(each.doubt for each in there if each.doubt is not None)


def mail_again_at(
    row: Row[Any], person: Recipient, freshness: Mapping[str, int], now: int
) -> int | None:
    """From when a mail of this notice may leave once more, microseconds; None: it must not.

    At once: an email wakes nobody, and a daily digest had its hour.
    """
    wish = heed(person.preferences, row.kind, EMAIL, now)
    if EMAIL not in freshness or wish.withheld is not None:
        return None
    places = places_for(row.kind, person.contacts, (EMAIL,))
    if all(place.suppressed is not None for place in places):
        return None
    return now


def _sent(there: Sequence[Row[Any]]) -> list[Row[Any]]:
    return [each for each in there if each.channel not in (IN_APP, WEBHOOK)]


def _made(
    row: Row[Any], place: Place, failed: Sequence[str], *, at: int, fresh: int, now: int
) -> PlannedDelivery:
    planned = sent_delivery(
        row.notice_id,
        row.kind,
        place,
        deadline_at=at + fresh * MICROS,
        now=now,
        held_until=at if at > now else None,
    )
    return planned._replace(purpose=INSTEAD_OF + (failed[-1] if failed else PUSH))


def _daily(row: Row[Any], person: Recipient) -> str:
    """The bundle of the daily digests that tell of such notices. `row`: of `notice`."""
    return privacy.daily_bundle(person.key or b"", decode_content(row.content).role)


def _is_step(row: Row[Any]) -> bool:
    if row.purpose not in STEPS:
        return False
    return _had_arrived(row) or (row.state == HELD and row.reason != COST_CAP)


def _had_arrived(row: Row[Any]) -> bool:
    """A step that ended since another channel's arrived; where that bounced after all, it counts again."""
    return bool(row.state == CANCELLED and row.reason == ARRIVED)


def _carries(row: Row[Any]) -> bool:
    if row.doubt is not None:
        return False
    if row.reason == COST_CAP and row.state in (HELD, CANCELLED):
        return False  # there was no money for it; cancelled: another channel was to tell it instead
    if row.state == HELD:
        return row.purpose not in STEPS
    return row.state in _CARRIED and not _had_arrived(row)


def bring_forward(conn: Connection, step: Row[Any], at: int, bundle: str | None, now: int) -> int:
    """Let a step leave now, in quiet hours at their end: step_release.py does, or gather.py a bundle's."""
    mine = delivery.c.delivery_id == step.delivery_id
    changes = {"available_at": at, "bundle": bundle}
    if step.state == CANCELLED:
        again = changes | {"reason": None}
        origin = frozenset({CANCELLED})
        return len(states.move_all(conn, mine, origin=origin, to=HELD, now=now, changes=again))
    forward = update(delivery).where(mine, delivery.c.state == HELD).values(changes)
    return conn.execute(forward).rowcount
