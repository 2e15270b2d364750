"""Disputes between endpoints, kept: who lacks or tells otherwise which event. A person has to look.

In: the disputes of a page (cross_check.py), inside its T1. Out: rows that `status` and the metrics count.
Other bytes of a known event are kept beside the evidence, as any conflict is; the first ones stand.
"""

from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy import BigInteger, Column, Connection, Table, Text

from ingest.dispute import Dispute
from store.bulk import insert_many
from store.schema import evidence_conflict, key_text, metadata

_LOG = structlog.get_logger()

# `kind`: lacks, differs. `against`: who told the event (so).
rpc_dispute = Table(
    "rpc_dispute",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("endpoint", key_text(), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("against", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
_COLUMNS: Final = tuple(column.name for column in rpc_dispute.columns)


def write_disputes(conn: Connection, disputes: Sequence[Dispute]) -> None:
    """Keep them; those known stay as they are."""
    if not disputes:
        return
    rows = [
        (each.event_id, each.endpoint, each.kind, each.against, each.seen_at) for each in disputes
    ]
    insert_many(conn, rpc_dispute, _COLUMNS, rows, on_conflict="nothing")
    conflicts = [
        (each.event_id, each.sha256, each.evidence_bytes, each.seen_at, each.endpoint)
        for each in disputes
        if each.sha256
    ]
    insert_many(
        conn,
        evidence_conflict,
        ("event_id", "sha256", "bytes", "seen_at", "source"),
        conflicts,
        on_conflict="nothing",
    )


def tell(disputes: Sequence[Dispute]) -> None:
    """The alarm, once they are kept."""
    for each in disputes:
        _LOG.error(
            "endpoints_disagree",
            event_id=each.event_id,
            kind=each.kind,
            endpoint=each.endpoint,
            against=each.against,
        )
