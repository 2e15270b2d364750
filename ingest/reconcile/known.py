"""What we know, for comparing: facts up to a ledger in chain order, stream ids, stored close times."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from domain.chain_order import Placed, placed_facts
from domain.values import NetworkId, contract_uuid, stream_uuid
from ingest.sources import passed
from store import log
from store.schema import ledger_close, stream_state


@dataclass(frozen=True)
class StoredCloses:
    """Close times from the database; the RPC is not asked."""

    conn: Connection

    def closed_at(self, ledger: int) -> int:
        """When it closed, else the last ledger known before it (the first known one where none is)."""
        before = select(func.max(ledger_close.c.closed_at)).where(ledger_close.c.ledger <= ledger)
        return self.conn.scalar(before) or self.conn.scalar(_FIRST) or 0

    def ledger_at(self, closed_at: int, latest: int) -> int:
        """The ledger that closed in this second, or `latest` where none is known."""
        found = select(func.min(ledger_close.c.ledger)).where(
            ledger_close.c.closed_at == closed_at, ledger_close.c.ledger <= latest
        )
        return self.conn.scalar(found) or latest

    def latest(self) -> int:
        """The latest close time there is."""
        return self.conn.scalar(_LAST) or 0


_FIRST = select(func.min(ledger_close.c.closed_at))
_LAST = select(func.max(ledger_close.c.closed_at))


def compared_ledger(conn: Connection, contract_id: str, read_at: int) -> int | None:
    """The last ledger that both the reading and live following have wholly passed; None: no following."""
    followed_to = passed(conn, contract_id)
    return None if followed_to is None else min(followed_to, read_at)


def stream_ids(conn: Connection, contract_id: str) -> list[int]:
    """The streams we were told of."""
    query = select(stream_state.c.stream_id).where(stream_state.c.contract_id == contract_id)
    return list(conn.scalars(query.order_by(stream_state.c.stream_id)))


def contract_facts(
    conn: Connection, network: NetworkId, contract_id: str, to_ledger: int
) -> list[Placed]:
    """The contract's own facts up to a ledger, in chain order."""
    recorded = log.read_aggregate(conn, contract_uuid(network, contract_id))
    return _up_to(recorded, to_ledger, StoredCloses(conn).closed_at(to_ledger))


def stream_facts(
    conn: Connection,
    network: NetworkId,
    contract_id: str,
    ids: Sequence[int],
    to_ledger: int,
) -> dict[int, list[Placed]]:
    """Each stream's facts up to a ledger, in chain order; none for a stream not met."""
    uuids = {stream_id: stream_uuid(network, contract_id, stream_id) for stream_id in ids}
    recorded = log.read_aggregates(conn, uuids.values())
    until = StoredCloses(conn).closed_at(to_ledger)
    return {
        stream_id: _up_to(recorded[uuid], to_ledger, until) for stream_id, uuid in uuids.items()
    }


def _up_to(recorded: Sequence[log.Recorded], to_ledger: int, until: int) -> list[Placed]:
    """Events by their ledger; what storage told has a time only."""
    return [
        each
        for each in placed_facts(one.event for one in recorded)
        if (
            each.fact.closed_at <= until
            if each.fact.from_storage
            else each.fact.ledger <= to_ledger
        )
    ]
