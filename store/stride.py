"""How much a follower takes at once: what it lately did in a second or two, up to a limit.

A chunk is one transaction. On a quiet day a large one costs least; where machines are busy or each event is
told to many it would take long, keep others waiting behind its locks, and be lost whole with a process that
dies. A follower that has just been started begins small, so that it comes forward also where it never lives
long; never smaller, since what every chunk costs would then be all that it does.
"""

_FEWEST_EVENTS = 25
_LONGEST_SECONDS = 2.0


class Stride:
    """`events`: how many to take next; halved after a chunk that took long, doubled after a short one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._fewest = min(limit, _FEWEST_EVENTS)
        self.events = self._fewest

    def took(self, events: int, seconds: float) -> None:
        """So many events were one transaction, which took so long."""
        if seconds > _LONGEST_SECONDS:
            self.events = max(self._fewest, min(self.events, events) // 2)
        elif events == self.events and seconds < _LONGEST_SECONDS / 4:
            self.events = min(self._limit, self.events * 2)
