"""What the contract stores, with undo: a refused transaction leaves no trace.

Mirrors PayStream's `types.rs`: Stream(id) and PauseHistory(id) are persistent entries, Config, the
stream count and the pending employers live in the contract's instance entry.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_Stored = TypeVar("_Stored")


class Status(StrEnum):
    """A stream's status; the ScVal variant is the capitalised word."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    EXHAUSTED = "exhausted"


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream as stored. Times are unix seconds, amounts the token's base units."""

    id: int
    employer: str
    employee: str
    token: str
    deposit: int
    withdrawn: int = 0
    rate_per_second: int
    start_time: int
    stop_time: int
    last_withdraw_time: int
    cooldown_period: int = 0
    status: Status = Status.ACTIVE
    locked: bool = False
    cliff_time: int = 0
    paused_at: int = 0
    delegate: str | None = None
    modified_at_ledger: int = 0

    @property
    def live(self) -> bool:
        """Whether the stream can still be paused, resumed or cancelled."""
        return self.status in {Status.ACTIVE, Status.PAUSED}

    def claimable(self, now: int) -> int:
        """What the employee could take at `now`.

        As in the contract a pause does not freeze it before the resume moves `last_withdraw_time`;
        unlike there a product above 2^127 does not panic, the deposit caps it.
        """
        if not self.live or now < self.cliff_time:
            return 0
        until = min(now, self.stop_time) if self.stop_time else now
        earned = max(0, until - self.last_withdraw_time) * self.rate_per_second
        return max(0, min(earned, self.deposit - self.withdrawn))


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The instance entry: the packed `Config` and the counters beside it."""

    admin: str
    wasm_hash: str
    admin_nonce: int = 0
    fee_bps: int = 0
    max_streams: int = 1_000
    min_deposit: int = 10_000
    paused: bool = False
    stream_count: int = 0
    proposal_count: int = 0
    fees: int = 0


class PauseRecord(NamedTuple):
    """One element of PauseHistory. Unlike on a real network it may outgrow an entry's 64 KiB."""

    timestamp: int
    is_pause: bool


class State:
    """All storage of the contract; every change can be taken back until `commit`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.config_modified_at = 0
        self.streams: dict[int, Stream] = {}
        self.histories: dict[int, list[PauseRecord]] = {}
        self.history_modified_at: dict[int, int] = {}
        self.pending_employers: dict[int, str] = {}
        self.live_until: dict[int, int] = {}
        self._undo: list[Callable[[], object]] = []

    def commit(self) -> None:
        """The transaction succeeded."""
        self._undo.clear()

    def rollback(self) -> None:
        """The transaction failed: take every change back, newest first."""
        while self._undo:
            self._undo.pop()()

    def put_stream(self, stream: Stream) -> None:
        """Store a new or changed stream."""
        self._remember(self.streams, stream.id)
        self.streams[stream.id] = stream

    def put_config(self, ledger: int, **changes: object) -> None:
        """Change fields of the instance entry."""
        old, old_ledger = self.config, self.config_modified_at
        self._undo.append(lambda: self._set_config(old, old_ledger))
        self._set_config(msgspec.structs.replace(old, **changes), ledger)

    def put_pending_employer(self, ledger: int, stream_id: int, employer: str | None) -> None:
        """Propose an employer for a stream, or clear the proposal."""
        self._remember(self.pending_employers, stream_id)
        if employer is None:
            self.pending_employers.pop(stream_id, None)
        else:
            self.pending_employers[stream_id] = employer
        self.put_config(ledger)

    def add_pause(self, ledger: int, stream_id: int, record: PauseRecord) -> None:
        """Append to a stream's PauseHistory."""
        history = self.histories.setdefault(stream_id, [])
        history.append(record)
        self._undo.append(history.pop)
        self._remember(self.history_modified_at, stream_id)
        self.history_modified_at[stream_id] = ledger

    def drop_pause(self, ledger: int, stream_id: int) -> None:
        """Lose the last record of a stream's PauseHistory, which no contract would."""
        history = self.histories[stream_id]
        lost = history.pop()
        self._undo.append(lambda: history.append(lost))
        self._remember(self.history_modified_at, stream_id)
        self.history_modified_at[stream_id] = ledger

    def put_live_until(self, stream_id: int, ledger: int) -> None:
        """The last ledger in which a stream's entries live; archived afterwards."""
        self._remember(self.live_until, stream_id)
        self.live_until[stream_id] = ledger

    def _set_config(self, config: Config, ledger: int) -> None:
        self.config, self.config_modified_at = config, ledger

    def _remember(self, table: dict[int, _Stored], key: int) -> None:
        old = table.get(key)
        if old is None:
            self._undo.append(lambda: table.pop(key, None))
        else:
            self._undo.append(lambda: table.__setitem__(key, old))
