"""8e In which order a person is told on their channels, and what keeps an alert from ending unseen.

Pure. In: a notice's deliveries as planning would make them, one a place, all at once. Out: those that a
person told on one channel at a time gets: the first channel that can be told now, the later ones held
until their step, where the news matters; else left to onward.py, for when the one before fails.

A step is a delivery like any other, made with the notice: it has the notice's keys, so that no replay and
no retry makes a second one, and survives what the process does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from notifier.news import (
    CONTRACT_PAUSED,
    CONTRACT_RESUMED,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    STREAM_PAUSED,
    STREAM_RESUMED,
)
from notifier.places import MICROS, PlannedDelivery
from notifier.preferences import DAILY, Preferences, heed
from notifier.states import HELD, PENDING

# News that matters: who lives on the stream must know.
MATTERS = frozenset({STREAM_PAUSED, STREAM_CANCELLED_WHILE_PAUSED, CONTRACT_PAUSED})
# News by which a pause, and all that keeps it from ending unseen, is over.
ENDS = frozenset(
    {STREAM_RESUMED, STREAM_CANCELLED, STREAM_CANCELLED_WHILE_PAUSED, CONTRACT_RESUMED}
)
DEFAULT_ORDER = ("push", "email", "sms")

# `delivery.purpose`: why it is there beside the first one.
STEP_UNTIL_READ = "step_until_read"
STEP_UNTIL_DELIVERED = "step_until_delivered"
STEPS = (STEP_UNTIL_READ, STEP_UNTIL_DELIVERED)
INSTEAD_OF = "instead_of_"  # and a channel's name

# Why a step did not leave.
SEEN = "seen"
OVER = "over"
ARRIVED = "arrived"
_LEAVING = (PENDING, HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What the deployment says. `steps`: seconds by channel. `until_delivered`: what arrives ends them."""

    one_by_one: bool = False
    steps: Mapping[str, int] = field(default_factory=dict)
    until_delivered: bool = False

    def planned(
        self,
        rows: Sequence[PlannedDelivery],
        preferences: Preferences,
        kind: str,
        *,
        freshness: Mapping[str, int],
        now: int,
    ) -> list[PlannedDelivery]:
        """What of these deliveries is made. Those that never leave stay: they say why."""
        if not self.is_one_by_one(preferences):
            return list(rows)
        order = order_of(preferences)
        able = [each for each in order if any(_leaves(row, each) for row in rows)]
        made: list[PlannedDelivery] = []
        begins = max([now, *(row.available_at for row in rows if _begins_late(row, able))])
        for row in rows:
            if row.channel not in order or row.channel in able[:1] or row.state not in _LEAVING:
                made.append(row)
            else:
                made += self._step(row, preferences, kind, freshness=freshness, now=begins)
        return made

    def is_one_by_one(self, preferences: Preferences) -> bool:
        """Whether this person is told on one channel at a time."""
        own = preferences.one_by_one
        return self.one_by_one if own is None else own

    def _step(
        self,
        row: PlannedDelivery,
        preferences: Preferences,
        kind: str,
        *,
        freshness: Mapping[str, int],
        now: int,
    ) -> list[PlannedDelivery]:
        wait = self.steps.get(row.channel)
        if wait is None or kind not in MATTERS:
            return []
        at = now + wait * MICROS
        at = heed(preferences, kind, row.channel, at).held_until or at
        purpose = STEP_UNTIL_DELIVERED if self.until_delivered else STEP_UNTIL_READ
        return [
            row._replace(
                state=HELD,
                reason=None,
                available_at=at,
                deadline_at=at + freshness[row.channel] * MICROS,
                purpose=purpose,
            )
        ]


def order_of(preferences: Preferences) -> tuple[str, ...]:
    """The person's channels, the most wanted first; those they do not name come last."""
    named = preferences.order
    return (*named, *(each for each in DEFAULT_ORDER if each not in named))


def _begins_late(row: PlannedDelivery, able: Sequence[str]) -> bool:
    """Whether it is of the first channel, in a daily digest: who is to see it there has time until then."""
    return row.channel in able[:1] and row.reason == DAILY


def _leaves(row: PlannedDelivery, channel: str) -> bool:
    return row.channel == channel and row.state in _LEAVING
