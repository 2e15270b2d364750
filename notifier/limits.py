"""13 How fast messages may leave: buckets of tokens, each with its pace, and who of several goes now.

Pure. In: buckets as they stand, and deliveries that want to leave, urgent ones first. Out: who may, who
waits until when, who cannot leave before its deadline. Next: buckets.py keeps the buckets in the
database.

A bucket is one time: until when what was taken is paid for (GCRA; ITU-T I.371). It says the same at any
pace, so a setting can change under it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

_SECOND = 1_000_000
# Whoever waits looks again at least so often: others before it may have been withdrawn.
LONGEST_LOOK_AHEAD = 300 * _SECOND
# The last look of what would have its turn only after its deadline.
LAST_LOOK = 30 * _SECOND


class Pace(NamedTuple):
    """`interval`: microseconds that one message costs; `burst`: how many may go at once."""

    interval: int
    burst: int


def steady(per_second: float, burst: int) -> Pace | None:
    """So many a second and a burst on top; None: no limit."""
    return Pace(max(1, round(_SECOND / per_second)), burst) if per_second else None


def at_most(most: int, seconds: int) -> Pace | None:
    """Never more than so many in any such time: half of them at once, the rest spread; None: no limit."""
    if not most:
        return None
    burst = max(1, most // 2)
    return Pace(seconds * _SECOND // max(1, most - burst), burst)


@dataclass(slots=True)
class Bucket:
    """All in microseconds. `held_until`: the far side asked for patience, `strikes` times in a row.

    `line_until`, `urgent_until`: the last turns given to who waits, and to urgent ones who wait.
    """

    spent_until: int = 0
    held_until: int = 0
    line_until: int = 0
    urgent_until: int = 0
    strikes: int = 0

    def free_at(self, pace: Pace | None) -> int:
        """When one message may leave."""
        if pace is None:
            return self.held_until
        return max(self.held_until, self.spent_until - (pace.burst - 1) * pace.interval)

    def take(self, pace: Pace, now: int) -> None:
        """Take one token, which is there."""
        self.spent_until = max(self.spent_until, now) + pace.interval

    def turn(self, pace: Pace | None, *, urgent: bool) -> int:
        """A turn for one who waits, behind those who wait already."""
        interval = 0 if pace is None else pace.interval
        free = self.free_at(pace)
        turn = min(max(free, self._line(urgent=urgent)), free + LONGEST_LOOK_AHEAD)
        if urgent:
            self.urgent_until = turn + interval
        else:
            self.line_until = turn + interval
        return turn

    def _line(self, *, urgent: bool) -> int:
        return self.urgent_until if urgent else self.line_until


class Want(NamedTuple):
    """A delivery that wants to leave, and the names of the buckets that it takes from."""

    delivery_id: UUID
    buckets: tuple[str, ...]
    urgent: bool
    deadline_at: int


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may leave now, who waits until when, who has no chance; and the buckets that changed."""

    admitted: list[UUID] = field(default_factory=list)
    waiting: dict[UUID, int] = field(default_factory=dict)
    hopeless: list[UUID] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)


def admit(
    wants: Iterable[Want],
    buckets: Mapping[str, Bucket],
    paces: Mapping[str, Pace | None],
    *,
    now: int,
    most: int,
) -> Admission:
    """Decide in this order, for at most `most` admitted. An empty bucket holds up only who needs it."""
    found = Admission()
    for want in wants:
        if len(found.admitted) >= most:
            break
        binding = max(want.buckets, key=lambda name: buckets[name].free_at(paces[name]), default="")
        free = buckets[binding].free_at(paces[binding]) if binding else now
        if free <= now:
            _take(want, buckets, paces, now, found)
        elif free >= want.deadline_at:
            found.hopeless.append(want.delivery_id)
        else:
            turn = buckets[binding].turn(paces[binding], urgent=want.urgent)
            last = max(free, want.deadline_at - LAST_LOOK)
            found.waiting[want.delivery_id] = min(turn, last)
            found.changed.add(binding)
    return found


def _take(
    want: Want,
    buckets: Mapping[str, Bucket],
    paces: Mapping[str, Pace | None],
    now: int,
    found: Admission,
) -> None:
    found.admitted.append(want.delivery_id)
    for name in want.buckets:
        pace = paces[name]
        if pace is not None:
            buckets[name].take(pace, now)
            found.changed.add(name)
