"""Whether a pause still stands, as the log knows it now: ahead of planning, if planning is behind.

In: streams, contracts, or notices that remind of one. Out: their states; which reminders may still leave.
"""

from collections.abc import Collection, Sequence
from functools import reduce
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from domain.contract import ContractState, fold
from domain.state import PAUSED, AggregateState
from domain.stream import STREAM_RULES, StreamState, evolve
from notifier.news import REMINDER, family
from notifier.privacy import Vault
from notifier.reminder_schema import lasting_pause
from notifier.schema import recipient
from store.log import read_aggregate, read_aggregates
from store.schema import stream_state


def streams_now(conn: Connection, originator_ids: Collection[UUID]) -> dict[UUID, StreamState]:
    """How these streams stand; folded, since `stream_state` may be some versions behind."""
    pasts = read_aggregates(conn, sorted(originator_ids))
    return {
        name: reduce(evolve, (each.event for each in past), STREAM_RULES.initial)
        for name, past in pasts.items()
    }


def contract_now(conn: Connection, originator_id: UUID) -> ContractState | None:
    """How a contract stands; None: nothing is known of it."""
    return fold(None, (each.event for each in read_aggregate(conn, originator_id)))


def lasts(state: AggregateState | None, cause: str) -> bool:
    """Whether the pause that this event keys still goes on."""
    return state is not None and state.status == PAUSED and state.status_cause == cause


def is_reminder(row: Row[Any]) -> bool:
    """Of a row of `notice`."""
    return family(row.kind) == REMINDER


def may_leave(conn: Connection, vault: Vault, row: Row[Any]) -> bool:
    """Whether a reminder (a row of `notice`) is still true, and still concerns whom it would be sent to."""
    if row.stream_id is None:
        name = conn.scalar(
            select(lasting_pause.c.originator_id).where(
                lasting_pause.c.contract_id == row.contract_id, lasting_pause.c.stream_id.is_(None)
            )
        )
        return name is not None and lasts(contract_now(conn, name), row.cause_event_id)
    name = conn.scalar(
        select(stream_state.c.originator_id).where(
            stream_state.c.contract_id == row.contract_id, stream_state.c.stream_id == row.stream_id
        )
    )
    if name is None:
        return False
    state = streams_now(conn, [name])[name]
    return lasts(state, row.cause_event_id) and _concerns(conn, vault, state, row.recipient_id)


def _concerns(conn: Connection, vault: Vault, state: StreamState, recipient_id: str) -> bool:
    lookup = conn.scalar(
        select(recipient.c.account_lookup).where(recipient.c.recipient_id == recipient_id)
    )
    parties: Sequence[str | None] = (state.employer, state.employee)
    return lookup in [vault.account_lookup(each) for each in parties if each is not None]
