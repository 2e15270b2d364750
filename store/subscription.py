"""A subscription to the log that polls, and is woken by the bell.

The library's own ones wait without a limit and know PostgreSQL only: a lost message blocks them.
"""

from collections import deque
from collections.abc import Sequence

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

from store.wake import LOG, Bell

_AT_ONCE = 500
_POLL_SECONDS = 0.5


class LogSubscription(Subscription[ApplicationRecorder]):
    """Yields events in order; blocks at the end of the log until more is recorded or `stop`."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        bell: Bell,
        *,
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._bell = bell
        self._read: deque[Notification] = deque()

    def stop(self) -> None:
        """End the iteration, also from another thread."""
        super().stop()
        self._bell.strike((LOG,))

    def __next__(self) -> Notification:
        """The next event; blocks until there is one. Raises StopIteration after `stop`."""
        while not self._has_been_stopped:
            if self._read:
                return self._read.popleft()
            self._read.extend(self._pull())
            if not self._read:
                self._bell.wait(LOG, _POLL_SECONDS)
        raise StopIteration

    def _pull(self) -> Sequence[Notification]:
        found = self._recorder.select_notifications(
            start=self._last_notification_id or 0,
            limit=_AT_ONCE,
            topics=self._topics,
            inclusive_of_start=False,
        )
        if found:
            self._last_notification_id = found[-1].id
        return found
