"""8b Notices: news and the people it concerns become rows, each once.

In: news from plan.py and fanout.py. Out: notice rows (the in-app messages), deliveries that wait for the
relay, facts for the log. Next: 9 relay.py.
Twice: the ids come from the recipient's key and the chain's own event id, so the same news meets the
rows it made before and adds nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.chain_order import DomainEvent
from domain.notice import DeliveryChanged, NoticePlanned
from notifier import facts, privacy, states, steps, withdrawing
from notifier.composing import compose
from notifier.content import EMPLOYER, TEMPLATE_VERSION, encode_content
from notifier.languages import language_for
from notifier.news import Listener, News
from notifier.places import PlannedDelivery, places_for
from notifier.planned_for import planned_for
from notifier.recipients import Recipient, Roster
from notifier.restraint import UNRESTRAINED, Restraint, Sheaf
from notifier.schema import delivery, notice
from notifier.settlement import Settlements, with_settlements
from notifier.storm import UNBRAKED, Brake
from notifier.ways import Ways
from notifier.webhooks.planning import SUBSCRIBER, Subscribers
from store import bulk
from store.schema import evidence

_NOTICE_COLUMNS = (
    *("notice_id", "recipient_id", "kind", "cause_event_id", "position", "contract_id"),
    *("stream_id", "late", "content", "template_version", "language", "closed_at", "observed_at"),
    *("recorded_at", "planned_at"),
)
_DELIVERY_COLUMNS = PlannedDelivery._fields


@dataclass(frozen=True, kw_only=True)
class PlanningRules:
    """What planning is told by the deployment.

    `network`: its id. `freshness_seconds`: for each channel that can send, how long after ledger close
    news still goes out on it. `public_url`: where people look, without a slash at its end. `restraint`:
    what is held to be told together, `brake`: what is too much at once; by default nothing is.
    `ways`: who is told on one channel at a time. `settlements`: who knows what cancellations paid.
    """

    network: str
    freshness_seconds: Mapping[str, int]
    public_url: str | None = None
    restraint: Restraint = UNRESTRAINED
    brake: Brake = UNBRAKED
    ways: Ways = field(default_factory=Ways)
    settlements: Settlements | None = None


class Draft(NamedTuple):
    """One notice to be, and the key that names it."""

    notice_id: UUID
    news: News
    listener: Listener
    recipient: Recipient


class NoticeWriter:
    """Writes notices within the caller's transaction."""

    def __init__(
        self, roster: Roster, rules: PlanningRules, subscribers: Subscribers | None = None
    ) -> None:
        self._roster = roster
        self._rules = rules
        self._subscribers = subscribers

    def write(self, conn: Connection, news: Sequence[News], now: int) -> int:
        """Write what is new of this news; returns the number of new notices. `now`: microseconds."""
        news = with_settlements(conn, self._rules.settlements, news)
        subscribed = self._subscribed(conn, news)
        wanted = self._drafts(conn, news, now) | subscribed
        known = _known(conn, list(wanted))
        withdrawing.restore(
            conn, [notice_id for notice_id in known if wanted[notice_id].news.late], now
        )
        drafts = [draft for notice_id, draft in wanted.items() if notice_id not in known]
        if not drafts:
            return 0
        seen_at = _seen_at(conn, {each.cause for _, each, _, _ in drafts if not each.is_reminder})
        notices = [self._notice_row(draft, seen_at, now) for draft in drafts]
        people = [draft for draft in drafts if draft.notice_id not in subscribed]
        rows = {draft.notice_id: self._on_their_ways(draft, now) for draft in people}
        sheaves = [self._sheaf(draft, rows[draft.notice_id]) for draft in people]
        sheaves = self._rules.restraint.restrain(conn, sheaves, now)
        # Before the brake: whoever counts by it has locked deliveries, and waits for none any more.
        steps.over(conn, [draft.news for draft in drafts], now)
        sheaves = self._rules.brake.brake(conn, sheaves, now)
        later = [each for own in rows.values() for each in own if each.purpose is not None]
        deliveries = [*(each for sheaf in sheaves for each in sheaf.deliveries), *later]
        bulk.insert_many(conn, notice, _NOTICE_COLUMNS, notices, on_conflict="nothing")
        bulk.insert_many(conn, delivery, _DELIVERY_COLUMNS, deliveries, on_conflict="nothing")
        if self._subscribers is not None and subscribed:
            new = [(one.notice_id, one.news, one.recipient) for one in drafts if one not in people]
            self._subscribers.write_posts(conn, new, now)
        facts.remember(conn, [*_planned(drafts, now), *_withheld(deliveries, now)], now)
        if later:  # what is new here may be over already
            steps.over(conn, [draft.news for draft in drafts], now)
        return len(drafts)

    def _drafts(self, conn: Connection, news: Sequence[News], now: int) -> dict[UUID, Draft]:
        accounts = {listener.account_id for one in news for listener in one.audience}
        people = self._roster.meet(conn, accounts, now)
        drafts: dict[UUID, Draft] = {}
        for one in news:
            for listener in one.audience:
                person = people[listener.account_id]
                if person.key is None:
                    continue  # erased: nothing is ever told again
                notice_id = privacy.notice_id(person.key, self._rules.network, one.cause, one.kind)
                drafts.setdefault(notice_id, Draft(notice_id, one, listener, person))
        return drafts

    def _subscribed(self, conn: Connection, news: Sequence[News]) -> dict[UUID, Draft]:
        """The notices of webhooks: each subscription is told like a person without an inbox."""
        if self._subscribers is None:
            return {}
        wanting = self._subscribers.wanting(conn, news, self._rules.network)
        return {each: Draft(each, one, SUBSCRIBER, whom) for each, one, whom in wanting}

    def _notice_row(self, draft: Draft, seen_at: Mapping[str, int], now: int) -> bulk.Row:
        news = draft.news
        return (
            draft.notice_id,
            draft.recipient.recipient_id,
            news.kind,
            news.cause,
            news.position,
            news.contract_id,
            news.stream_id,
            news.late,
            encode_content(
                compose(
                    news,
                    draft.recipient,
                    role=draft.listener.role,
                    notice_id=draft.notice_id,
                    public_url=self._rules.public_url,
                    now=now,
                )
            ),
            TEMPLATE_VERSION,
            language_for(draft.recipient.language),
            news.happened_at,
            seen_at.get(news.cause, news.recorded_at),
            news.recorded_at,
            now,
        )

    def _on_their_ways(self, draft: Draft, now: int) -> list[PlannedDelivery]:
        """The deliveries of a notice: on all channels at once, or on the first and later the next."""
        freshness = self._rules.freshness_seconds
        return planned_for(
            draft.notice_id,
            draft.news,
            draft.recipient.preferences,
            places_for(draft.news.kind, draft.recipient.contacts, freshness),
            daily=privacy.daily_bundle(draft.recipient.key or b"", draft.listener.role),
            freshness=freshness,
            ways=self._rules.ways,
            now=now,
        )

    def _sheaf(self, draft: Draft, rows: Sequence[PlannedDelivery]) -> Sheaf:
        """A notice and its deliveries, for whoever looks at what else its reader is told."""
        news, key = draft.news, draft.recipient.key or b""
        about = f"contract:{news.contract_id}" if news.employer is None else news.employer
        return Sheaf(
            privacy.bundle_id(key, about),
            about,
            news,
            draft.listener.role == EMPLOYER,
            tuple(each for each in rows if each.purpose is None),
        )


def _known(conn: Connection, notice_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these notices exist: their facts are in the log already."""
    key = notice.c.notice_id
    return {found for (found,) in bulk.select_many(conn, (key,), key, notice_ids)}


def _seen_at(conn: Connection, event_ids: set[str]) -> dict[str, int]:
    """When the pages that held these events arrived; a job as a cause has no page of its own."""
    columns = (evidence.c.event_id, evidence.c.seen_at)
    return dict(bulk.select_many(conn, columns, evidence.c.event_id, sorted(event_ids)))


def _planned(drafts: Sequence[Draft], now: int) -> Iterator[DomainEvent]:
    """One fact a notice: that it was planned says that its in-app message was there."""
    for notice_id, news, _, person in drafts:
        yield NoticePlanned(
            notice_id,
            facts.NOT_YET,
            recipient_id=person.recipient_id,
            kind=news.kind,
            cause_event_id=news.cause,
            contract_id=news.contract_id,
            stream_id=news.stream_id,
            late=news.late,
            planned_at=now,
        )


def _withheld(deliveries: Sequence[PlannedDelivery], now: int) -> Iterator[DomainEvent]:
    """Of those that never leave: stale or suppressed."""
    for row in deliveries:
        if row.state in (states.EXPIRED, states.SUPPRESSED):
            yield DeliveryChanged(
                row.notice_id,
                facts.NOT_YET,
                delivery_id=row.delivery_id,
                channel=row.channel,
                endpoint=row.endpoint,
                state=row.state,
                reason=row.reason,
                attempt=0,
                provider=None,
                changed_at=now,
            )
