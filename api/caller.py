"""Who asks: which routes are open to it, and which rows it reaches there."""

from typing import NamedTuple

from api.sessions import is_session
from notifier.changes import API, PAGE, Author
from projections.reach import Reach


class Caller(NamedTuple):
    """A key, or a person's session (its id in `key_id`), that was found valid.

    `account_id`: whose own data it may see. `last_used_at` as stored, microseconds; a session has none.
    `contracts`: those that a key is limited to, None: not limited.
    """

    key_id: str
    scopes: frozenset[str]
    account_id: str | None
    last_used_at: int | None
    requests_per_minute: int | None = None
    contracts: tuple[str, ...] | None = None

    @property
    def is_session(self) -> bool:
        """Whether a person asks, not a program."""
        return is_session(self.key_id)

    @property
    def reach(self) -> Reach:
        """Which streams it may read: people their own, keys those of the contracts they are limited to."""
        return Reach(self.account_id if self.is_session else None, self.contracts)

    @property
    def author(self) -> Author:
        """By whose word something changes."""
        return Author(PAGE if self.is_session else API, self.key_id)
