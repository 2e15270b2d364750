"""The content of one notice: what planning knows of a piece of news, put down for one recipient.

Pure. Out: what is stored with the notice and worded later (rendering.py), without another look at anything.
"""

from uuid import UUID

from notifier.content import Content
from notifier.languages import language_for, locale_for
from notifier.news import News, family
from notifier.preferences import UTC_NAME
from notifier.recipients import Recipient

_REFERENCE_LENGTH = 8
_SECOND = 1_000_000


def compose(  # the news, and whom it is told
    news: News,
    recipient: Recipient,
    *,
    role: str,
    notice_id: UUID,
    public_url: str | None,
    now: int,
) -> Content:
    """What the words will be made of. `now`: microseconds."""
    time_zone = recipient.preferences.time_zone
    return Content(
        kind=family(news.kind),
        role=role,
        contract_id=news.contract_id,
        stream_id=news.stream_id,
        happened_at=_beginning(news),
        learned_at=now // _SECOND,
        reference=reference_of(notice_id),
        link=_link(news, public_url),
        late=news.late,
        start_known=news.start_known,
        paused_since=None if news.is_reminder else news.paused_since,
        pauses=news.pauses,
        ledger=_ledger_of(news.cause),
        locale=_region(recipient.language),
        time_zone=None if time_zone == UTC_NAME else time_zone,
        money=news.money,
    )


def reference_of(notice_id: UUID) -> str:
    """What people quote: short enough for the telephone, and the beginning of the notice's id."""
    return notice_id.hex[:_REFERENCE_LENGTH].upper()


def _beginning(news: News) -> int:
    """When what is told happened: of a reminder, the pause that it is about."""
    if news.is_reminder and news.paused_since is not None:
        return news.paused_since
    return news.happened_at


def _link(news: News, public_url: str | None) -> str | None:
    if public_url is None:
        return None
    if news.stream_id is None:
        return f"{public_url}/contracts/{news.contract_id}"
    return f"{public_url}/streams/{news.contract_id}/{news.stream_id}"


def _ledger_of(cause: str) -> int | None:
    """The ledger that an event id names (SEP-35: the upper half); None: no event is the cause."""
    order = cause.partition("-")[0]
    return int(order) >> 32 if order.isdecimal() else None


def _region(wanted: str) -> str | None:
    """How dates and numbers are written, where that is not the language's own way."""
    written = locale_for(wanted)
    return None if written == locale_for(language_for(wanted)) else written
