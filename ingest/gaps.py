"""Gaps: ledgers that left the RPC's window before they were scanned, recorded instead of skipped.

One T1 records `GapOpened` on every contract of the source and moves its cursor to the oldest ledger
that is safe to ask for. Live following goes on; the gap stays open until another source fills it.
"""

import structlog
from sqlalchemy import Connection

from domain import contract
from domain.contract import ContractState, GapOpened
from domain.state import AggregateState
from ingest.coverage import LedgerRange
from ingest.cursors import needed_ledger, window_end
from ingest.errors import RetentionGap
from ingest.sources import Position, Source, move
from ingest.states import Aggregate, StateCache
from store import log
from store.clock import now_micros
from store.engine import Database
from store.lease import Lease

_LOG = structlog.get_logger()


class GapRecorder:
    """Writes gaps of a source under the lease's fence."""

    def __init__(self, database: Database, *, cache: StateCache, margin_ledgers: int) -> None:
        self._database = database
        self._cache = cache
        self._margin = margin_ledgers

    def open_gap(
        self, source: Source, position: Position, gap: RetentionGap, lease: Lease
    ) -> Position:
        """Record the gap below what the RPC still has; returns the position after it.

        `margin_ledgers` keeps away from the edge: a trim between the RPC's range check and its query
        can hide events of the oldest ledgers. A window smaller than that, of a node that was set up
        just now, is entered at its newest ledger. Raises CursorMoved, FenceLost, LeaseLost.
        """
        first_missing = needed_ledger(position.cursor)
        safe = gap.oldest_ledger + self._margin
        if gap.latest_ledger is not None:
            safe = max(gap.oldest_ledger, min(safe, gap.latest_ledger))
        safe = max(safe, first_missing)
        after = Position(source=position.source, cursor=window_end(safe - 1))
        missing = LedgerRange(first_missing, safe - 1)
        try:
            with self._database.begin(durable=False) as conn:
                lease.renew(conn)
                move(conn, position, after)
                states = self._write(conn, source, missing, lease)
        except BaseException:
            self._cache.forget()
            raise
        self._cache.keep(states)
        _LOG.error(
            "gap_opened",
            source=source.name,
            from_ledger=missing.from_ledger,
            to_ledger=missing.to_ledger,
        )
        return after

    def _write(
        self, conn: Connection, source: Source, missing: LedgerRange, lease: Lease
    ) -> dict[Aggregate, AggregateState]:
        """Append one GapOpened per contract; returns the contracts' states after it."""
        events: list[GapOpened] = []
        states: dict[Aggregate, AggregateState] = {}
        contracts = [self._cache.contract(contract_id) for contract_id in source.contract_ids]
        self._cache.load(conn, contracts)
        for each in contracts:
            state = each.state if isinstance(each.state, ContractState) else each.rules.initial
            event = GapOpened(
                each.originator_id,
                state.version + 1,
                each.contract_id,
                missing.from_ledger,
                missing.to_ledger,
                noticed_at=now_micros() // 1_000_000,
            )
            events.append(event)
            states[each] = contract.evolve(state, event)
        log.append(conn, events, recorded_at=now_micros(), fence=lease.epoch)
        self._database.bell.ring(conn, "log")
        return states
