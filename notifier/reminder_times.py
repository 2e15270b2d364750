"""When people are reminded of a pause that lasts: so long after it began, and then again and again.

Pure. Reminders of a pause are numbered from 1; how many there may be is bounded.
"""

from dataclasses import dataclass

NEVER = 2**62  # microseconds: no reminder is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """`after`: seconds from the pause to each of the first reminders, rising.

    `every`: seconds between those that follow, 0: none does. `most`: of one pause.
    `employers`: whoever pays is reminded too.
    """

    after: tuple[int, ...]
    every: int
    most: int
    employers: bool = True

    def of(self, n: int) -> int | None:
        """Seconds from the pause to its reminder of this number, 1 or higher; None: there is none."""
        if n > self.most:
            return None
        if n <= len(self.after):
            return self.after[n - 1]
        if not self.every:
            return None
        last = self.after[-1] if self.after else 0
        return last + (n - len(self.after)) * self.every

    def newest(self, seconds: int) -> int:
        """The number of the last reminder that is due so long after the pause; 0: none is yet."""
        n = sum(each <= seconds for each in self.after)
        if n == len(self.after) and self.every:
            last = self.after[-1] if self.after else 0
            n += max(seconds - last, 0) // self.every
        return min(n, self.most)
