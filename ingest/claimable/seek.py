"""Read what could be claimed when a stream was paused, before it is changed again.

In: pauses that lack it (wanted.py). Out: rows of `pause_claimable`, read or unknown with the reason.
Next: token_seek.py reads what the token is called; the API's pauses.

The leader does this beside live following. A stream's entry tells of a pause only while the pause's
ledger is the last that changed it: then it is what it was when that ledger closed. Nothing is estimated.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from domain.state import PAUSED
from ingest.backoff import Backoff
from ingest.claimable import tokens, wanted
from ingest.claimable.token_seek import TokenSeeker
from ingest.claimable.wanted import Claimable, Due
from ingest.errors import Permanent, Transient, Undecodable
from ingest.instance import instance_key
from ingest.patience import wait_out
from ingest.profiles.shapes import Profile
from ingest.profiles.storage import StreamLayout
from ingest.reconcile.keys import stream_key
from ingest.reconcile.stored import read_accrual, read_stream, wasm_of
from ingest.rpc import EventSource, LedgerEntries, LedgerEntry
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient as StoreTransient

_STREAMS_PER_CALL: Final = 100
_MOST_TRIES: Final = 8
_LONGEST_WAIT_SECONDS: Final = 60.0
_MICROS: Final = 1_000_000


class ClaimableSeeker:
    """The leader's task. `profiles`: by contract id; contracts may be added while it runs."""

    def __init__(
        self,
        database: Database,
        *,
        rpc: EventSource,
        profiles: Mapping[str, Profile],
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._rpc = rpc
        self._profiles = profiles
        self._poll_seconds = poll_seconds
        self._tokens = TokenSeeker(database, rpc=rpc, poll_seconds=poll_seconds)

    async def run(self) -> None:
        """Look for ever. Raises what the store calls a defect."""
        backoff = Backoff()
        while True:
            try:
                if not await self.step():
                    await asyncio.sleep(self._poll_seconds)
                backoff.reset()
            except StoreTransient as trouble:
                await wait_out(trouble, backoff)

    async def step(self) -> int:
        """Work off what is due; returns how many pauses and tokens that were."""
        due = await asyncio.to_thread(self._due)
        by_contract = sorted(due, key=lambda row: (row.contract_id, row.stream_id, row.ledger))
        for contract_id, rows in groupby(by_contract, key=lambda row: row.contract_id):
            mine = list(rows)
            for first in range(0, len(mine), _STREAMS_PER_CALL):
                await self._read(contract_id, mine[first : first + _STREAMS_PER_CALL])
        return len(due) + await self._tokens.step()

    def _due(self) -> Sequence[Due]:
        with self._database.read() as conn:
            return wanted.due(conn, now_micros())

    async def _read(self, contract_id: str, rows: Sequence[Due]) -> None:
        profile = self._profiles.get(contract_id)
        if profile is None or not _tells(profile):
            reason = "the contract's profile does not say how pay is kept"
            await self._write(partial(wanted.settle, event_ids=_ids(rows), reason=reason))
            return
        try:
            answer = await self._rpc.ledger_entries(_keys(profile, contract_id, rows))
        except (Transient, Permanent) as trouble:
            await self._postpone(rows, str(trouble), getattr(trouble, "retry_after", None))
            return
        await self._take(profile, contract_id, rows, answer)

    async def _take(
        self, profile: Profile, contract_id: str, rows: Sequence[Due], answer: LedgerEntries
    ) -> None:
        entries = {entry.key: entry for entry in answer.found}
        later: list[Due] = []
        for row in rows:
            try:
                layout = _layout(profile, contract_id, entries)
                key = stream_key(contract_id, layout.key, row.stream_id)
                entry = entries.get(key)
                if entry is None or entry.last_modified_ledger_seq < row.ledger:
                    later.append(row)  # that node does not know of the pause yet
                    continue
                found = _claimable(layout, key, entry, row)
            except Undecodable as error:
                settle = partial(wanted.settle, event_ids=[row.event_id], reason=error.reason)
                await self._write(settle)
            else:
                await self._write(partial(_keep, event_id=row.event_id, found=found))
        if later:
            await self._postpone(later, "the node does not have the pause yet", None)

    async def _postpone(self, rows: Sequence[Due], reason: str, retry_after: float | None) -> None:
        """Try again a little later; what was tried often enough is unknown."""
        over = [row for row in rows if row.tries + 1 >= _MOST_TRIES]
        if over:
            await self._write(partial(wanted.settle, event_ids=_ids(over), reason=reason))
        again = [row for row in rows if row.tries + 1 < _MOST_TRIES]
        if again:
            waits = self._poll_seconds * 2.0 ** again[0].tries
            waits = max(min(waits, _LONGEST_WAIT_SECONDS), retry_after or 0.0)
            due_at = now_micros() + int(waits * _MICROS)
            postpone = partial(wanted.postpone, event_ids=_ids(again), reason=reason, due_at=due_at)
            await self._write(postpone)

    async def _write(self, change: Callable[[Connection], None]) -> None:
        def write() -> None:
            with self._database.begin(durable=False) as conn:
                change(conn)

        await asyncio.to_thread(write)


def _keep(conn: Connection, event_id: str, found: Claimable) -> None:
    wanted.keep(conn, event_id, found)
    tokens.note(conn, found.token)


def _tells(profile: Profile) -> bool:
    """Whether some version of the contract's code keeps what is asked for, as far as we know."""
    return any(layout.accrual is not None for layout in profile.stream_layouts())


def _keys(profile: Profile, contract_id: str, rows: Sequence[Due]) -> list[bytes]:
    """The contract's instance, which names its code, and the streams' entries."""
    variants = {layout.key for layout in profile.stream_layouts()}
    streams = {
        stream_key(contract_id, variant, row.stream_id) for row in rows for variant in variants
    }
    return [instance_key(contract_id), *sorted(streams)]


def _layout(
    profile: Profile, contract_id: str, entries: Mapping[bytes, LedgerEntry]
) -> StreamLayout:
    """How the code that runs now keeps a stream. Raises Undecodable."""
    key = instance_key(contract_id)
    instance = entries.get(key)
    if instance is None:
        raise Undecodable("the contract has no instance")
    storage = profile.section(wasm_of(key, instance.xdr)).storage
    if storage is None or storage.stream is None:
        raise Undecodable("the profile does not say how streams are kept")
    return storage.stream


def _claimable(layout: StreamLayout, key: bytes, entry: LedgerEntry, row: Due) -> Claimable:
    """Raises Undecodable where the entry no longer tells of the pause."""
    if entry.last_modified_ledger_seq != row.ledger:
        raise Undecodable(f"the stream was changed since, in {entry.last_modified_ledger_seq}")
    if read_stream(layout, key, entry.xdr).status != PAUSED:
        raise Undecodable("the stream was paused no more when the ledger closed")
    stored = read_accrual(layout, key, entry.xdr)
    return Claimable(stored.claimable(row.closed_at), stored.token, stored.withdrawn)


def _ids(rows: Sequence[Due]) -> list[str]:
    return [row.event_id for row in rows]
