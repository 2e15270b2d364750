"""8e Restraint: the first news of a kind leaves at once, what follows is held and told together.

In: new notices with their planned deliveries, in planning's transaction. Out: the deliveries, some of them
held until the end of a window. Next: 8f gather.py makes one message of what was held.

A window belongs to a bundle (one person, one employer) and a kind. An employer's own news waits a moment
even where it is the first, so that whoever pauses 500 streams reads one summary, not one and 499. What is
about a stream of which older news has not left yet waits for that: nobody reads them in the wrong order.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from notifier import bundles
from notifier.bundles import Last, Told, Windows
from notifier.news import REMINDER, News, family
from notifier.places import MICROS, PlannedDelivery
from notifier.preferences import DAILY
from notifier.states import HELD, PENDING
from notifier.waiting import Place, Subject, waiting_about

GATHERED = "gathered"  # why a delivery is held
TAKEN_ALONG = (GATHERED, DAILY)  # held to be told with others, which may be told before
_SENDABLE = (PENDING, HELD)

# Until when older news of a subject waits, by bundle, subject and place.
_Queue = dict[tuple[str, Subject, Place], int]


class Sheaf(NamedTuple):
    """One new notice and its deliveries. `collects`: its reader's first news waits for more.

    `employer`: of the stream, or what stands for it where the whole contract is meant.
    """

    bundle: str
    employer: str
    news: News
    collects: bool
    deliveries: tuple[PlannedDelivery, ...]


class Restraint:
    """Restrains what planning has planned; a window of 0 seconds lets everything leave at once.

    `reminders_seconds`: the window of reminders, where it is longer: one message a day is enough.
    """

    def __init__(
        self, *, window_seconds: float, collect_seconds: float, reminders_seconds: float = 0
    ) -> None:
        self._windows = windows_of(window_seconds, reminders_seconds)
        self._window = self._windows.usual
        self._collect = min(int(collect_seconds * MICROS), self._window)

    def restrain(self, conn: Connection, sheaves: Sequence[Sheaf], now: int) -> list[Sheaf]:
        """These notices, which are given in the order of the log, with what is held of them."""
        concerned = {each.bundle for each in sheaves if any(map(_is_sendable, each.deliveries))}
        if not self._window or not concerned:
            return list(sheaves)
        told = bundles.lock(conn, concerned)
        queue: _Queue = {}
        streams = {each.news.stream_id for each in sheaves}
        for each in waiting_about(conn, concerned, streams):
            until = each.available_at if each.state == HELD else now + self._window
            _queue_up(queue, (each.bundle, each.subject, each.place), until)
        restrained = []
        for sheaf in sheaves:
            deliveries = self._sheaf(sheaf, told.setdefault(sheaf.bundle, {}), queue, now)
            restrained.append(sheaf._replace(deliveries=tuple(deliveries)))
        used = {name: told[name] for name in concerned}
        bundles.save(conn, used, windows=self._windows, now=now)
        return restrained

    def _sheaf(
        self, sheaf: Sheaf, told: Told, queue: _Queue, now: int
    ) -> Iterator[PlannedDelivery]:
        until, leads = self._turn(sheaf, told, now)
        subject = (sheaf.news.contract_id, sheaf.news.stream_id)
        for each in sheaf.deliveries:
            if not _is_sendable(each):
                yield each
                continue
            key = (sheaf.bundle, subject, (each.channel, each.endpoint))
            older = queue.get(key)
            if leads and older is None:
                told[family(sheaf.news.kind)] = Last(until, led=True)
            held = _held(each, max(until, older or 0))._replace(bundle=sheaf.bundle)
            waits = held.available_at if held.state == HELD else now + self._window
            _queue_up(queue, key, waits)
            yield held

    def _turn(self, sheaf: Sheaf, told: Told, now: int) -> tuple[int, bool]:
        """When news of this kind may leave, and whether it is the first one of a window."""
        kind = family(sheaf.news.kind)
        last, window = told.get(kind), self._windows.of(kind)
        if last is None or now >= last.at + window:
            return now + (self._collect if sheaf.collects else 0), True
        # Else `now` was read before those had their turn who have just told of it.
        joins = last.led and sheaf.collects and now < last.at
        return (last.at if joins else last.at + window), False


def windows_of(window_seconds: float, reminders_seconds: float) -> Windows:
    """The windows that settings ask for."""
    return Windows(int(window_seconds * MICROS), {REMINDER: int(reminders_seconds * MICROS)})


def _is_sendable(planned: PlannedDelivery) -> bool:
    """What waits for a daily digest has its bundle, and waits there."""
    return planned.state in _SENDABLE and planned.bundle is None


def _held(planned: PlannedDelivery, until: int) -> PlannedDelivery:
    """Held until then, and of use as much longer; unchanged where it waits for that long already."""
    longer = until - planned.available_at
    if longer <= 0:
        return planned
    return planned._replace(
        state=HELD,
        reason=GATHERED,
        available_at=until,
        deadline_at=planned.deadline_at + longer,
    )


def _queue_up(queue: _Queue, key: tuple[str, Subject, Place], until: int) -> None:
    queue[key] = max(queue.get(key, 0), until)


UNRESTRAINED = Restraint(window_seconds=0, collect_seconds=0)
