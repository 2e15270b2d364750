"""What a kind of problem is: problems.py lists them all."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem: its address, status, title, and what the caller can do about it."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The problem's `type`: an address relative to the API's root."""
        return f"/problems/{self.slug}"
