"""8e Which deliveries one notice gets: the inbox, and each place as its reader's wishes have it.

Pure. In: a notice, its reader's wishes and places. Out: delivery rows: to leave now, held until quiet hours
end, until the daily digest or until their step, or withheld with the reason. Planning (8b notices.py)
writes them, a backtest (backtest.py) counts them. Next: 8e restraint.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from notifier.news import News
from notifier.places import (
    MICROS,
    Place,
    PlannedDelivery,
    for_digest,
    inbox_delivery,
    sent_delivery,
)
from notifier.preferences import Preferences, heed
from notifier.ways import Ways


def planned_for(  # noqa: PLR0913 # a notice, its reader and what the deployment says
    notice_id: UUID,
    news: News,
    wishes: Preferences,
    places: Iterable[Place],
    *,
    daily: str,
    freshness: Mapping[str, int],
    ways: Ways,
    now: int,
) -> list[PlannedDelivery]:
    """On all channels at once, or on the first and later the next. `now`: microseconds.

    `places`: by places_for; `daily`: the bundle of the reader's daily digests; `freshness`: seconds by
    channel, of those the deployment has.
    """
    sent = _sent(notice_id, news, wishes, places, daily=daily, freshness=freshness, now=now)
    rows = [inbox_delivery(notice_id, news.kind, now), *sent]
    return ways.planned(rows, wishes, news.kind, freshness=freshness, now=now)


def _sent(  # noqa: PLR0913 # as above
    notice_id: UUID,
    news: News,
    wishes: Preferences,
    places: Iterable[Place],
    *,
    daily: str,
    freshness: Mapping[str, int],
    now: int,
) -> Iterator[PlannedDelivery]:
    for place in places:
        wish = heed(wishes, news.kind, place.channel, now)
        fresh = freshness[place.channel] * MICROS
        deadline_at = news.happened_at * MICROS + fresh
        if wish.held_until is not None and now < deadline_at:
            deadline_at = wish.held_until + fresh  # fresh when it came, and then it waited
        row = sent_delivery(
            notice_id,
            news.kind,
            place._replace(suppressed=place.suppressed or wish.withheld),
            deadline_at=deadline_at,
            now=now,
            held_until=wish.held_until,
        )
        yield for_digest(row, daily) if wish.daily else row
