"""Answers about streams as they stood at a time or a ledger, folded from the log in chain order.

What happened counts, not when it was learned; only what the read models already show is folded, so that
the present and the past of one answer agree.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from api import chain_rows
from api.beside_pauses import beside
from api.dependencies import ApiDependencies
from api.pages import page
from api.parameters import AsOf
from api.pause_schemas import PausesPage
from api.problems import NOT_FOUND, Problem
from api.reading import Listing
from api.schemas import StreamAnswer
from api.stream_answers import PAUSES, StreamKey, check_reached
from domain.chain_order import DomainEvent, placed_facts, walk
from domain.contract import CONTRACT_RULES
from domain.state import PAUSED
from domain.values import contract_uuid
from projections.freshness import freshness
from projections.history import Moment, StreamAt, closed_at_or_before, stream_at
from projections.pauses import PauseRow
from projections.reach import Reach
from projections.sets import PROJECTIONS, active_set
from store.log import read_aggregates
from store.schema import ledger_close, tracking


class Past:
    """One stream and its contract at a moment. Raises Problem where it was not there yet.

    Whose it is now may read all of its past; whose it was may not.
    """

    def __init__(
        self, given: ApiDependencies, conn: Connection, reach: Reach, which: StreamKey, at: AsOf
    ) -> None:
        check_reached(conn, active_set(conn), reach, which)
        stream_id = which.uuid(given.network)
        contract_id = contract_uuid(given.network, which.contract_id)
        followed = conn.scalar(select(tracking.c.position).where(tracking.c.name == PROJECTIONS))
        histories = read_aggregates(conn, (stream_id, contract_id), up_to=followed or 0)
        self._conn = conn
        self._which = which
        self._moment = moment(conn, at)
        self._contract_events = [recorded.event for recorded in histories[contract_id]]
        found = stream_at(
            stream_id, [recorded.event for recorded in histories[stream_id]], self._moment
        )
        if found is None:
            raise Problem(
                NOT_FOUND,
                f"no stream {which.stream_id} of {which.contract_id} is known at that time",
            )
        self._found: StreamAt = found

    def answer(self) -> StreamAnswer:
        """The stream as it stood."""
        return StreamAnswer(
            **chain_rows.stream_members(self._found.stream),
            contract_paused=_contract_paused(self._contract_events, self._moment),
            **self._freshness(),
        )

    def pauses_page(self, listed: Listing, order: str) -> PausesPage:
        """A page of the pauses there had been, in chain order."""
        rows, next_cursor = page(
            _beyond(self._found.pauses, PAUSES[order].after(listed.cursor), order),
            listed.limit,
            PAUSES[order],
            _place,
        )
        return PausesPage(
            items=[
                chain_rows.stream_pause(*each)
                for each in zip(rows, beside(self._conn, rows), strict=True)
            ],
            next_cursor=next_cursor,
            **self._freshness(),
        )

    def _freshness(self) -> dict[str, Any]:
        name = active_set(self._conn)
        return freshness(self._conn, name, (self._which.contract_id,))._asdict()


def moment(conn: Connection, at: AsOf) -> Moment:
    """The moment asked for; open pauses run to it, but never beyond the last close time known."""
    if at.as_of is None:
        ledger = at.as_of_ledger or 0
        return Moment(conn.scalar(closed_at_or_before(ledger)) or 0, ledger)
    asked = int(at.as_of.timestamp())
    newest = conn.scalar(select(func.max(ledger_close.c.closed_at)))
    return Moment(asked if newest is None else min(asked, newest))


def _contract_paused(events: Sequence[DomainEvent], at: Moment) -> bool:
    placed = [each for each in placed_facts(events) if at.covers(each.fact)]
    steps = list(walk(CONTRACT_RULES, placed))
    return bool(steps) and steps[-1].after.status == PAUSED


def _beyond(
    oldest_first: Sequence[PauseRow], after: tuple[int, str] | None, order: str
) -> Sequence[PauseRow]:
    """The pauses that follow a place in the order asked for."""
    if order == "asc":
        return [row for row in oldest_first if after is None or _place(row) > after]
    return [row for row in reversed(oldest_first) if after is None or _place(row) < after]


def _place(row: PauseRow) -> tuple[int, str]:
    return row.chain_at, row.place
