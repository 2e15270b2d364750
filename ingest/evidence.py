"""Evidence: the bytes of every contract event, and what became of them; both only ever grow."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from ingest.decision import Decision
from ingest.told import Tellable, Telling
from store import bulk
from store.schema import evidence, evidence_conflict, evidence_outcome


def split_known(
    conn: Connection, events: Sequence[Tellable]
) -> tuple[list[Tellable], list[Tellable]]:
    """Events not in evidence yet, and those that are, but with other bytes."""
    ids = [event.event_id for event in events]
    columns = (evidence.c.event_id, evidence.c.sha256)
    known: dict[str, bytes] = dict(bulk.select_many(conn, columns, evidence.c.event_id, ids))
    fresh = [event for event in events if event.event_id not in known]
    conflicting = [
        event for event in events if known.get(event.event_id, event.sha256) != event.sha256
    ]
    return fresh, conflicting


def known_ids(conn: Connection, event_ids: Sequence[str]) -> set[str]:
    """Which of these ids are in evidence."""
    rows = bulk.select_many(conn, [evidence.c.event_id], evidence.c.event_id, event_ids)
    return {str(row[0]) for row in rows}


def write_evidence(conn: Connection, events: Sequence[Tellable], telling: Telling) -> None:
    """Keep the bytes of new events. Raises IntegrityError where one is known after all."""
    rows = [
        (
            event.event_id,
            event.contract_id,
            event.evidence_bytes,
            event.sha256,
            telling.seen_at,
            telling.source,
        )
        for event in events
    ]
    bulk.insert_many(
        conn,
        evidence,
        ("event_id", "contract_id", "bytes", "sha256", "seen_at", "source"),
        rows,
        on_conflict="error",
    )


def write_conflicts(conn: Connection, events: Sequence[Tellable], telling: Telling) -> None:
    """Keep other bytes that came under a known id; the first ones stand."""
    rows = [
        (event.event_id, event.sha256, event.evidence_bytes, telling.seen_at, telling.source)
        for event in events
    ]
    bulk.insert_many(
        conn,
        evidence_conflict,
        ("event_id", "sha256", "bytes", "seen_at", "source"),
        rows,
        on_conflict="nothing",
    )


def write_outcomes(
    conn: Connection, decision: Decision, first: int, earlier: Mapping[str, int] | None = None
) -> None:
    """Say what became of each event.

    `first`: position of the decision's first domain event. `earlier`: the number of the last outcome
    of events that have one already.
    """
    offsets = decision.offsets()
    rows = [
        (
            event_id,
            1 if earlier is None else earlier[event_id] + 1,
            outcome.outcome,
            outcome.reason,
            outcome.profile,
            first + offsets[event_id] if event_id in offsets else None,
        )
        for event_id, outcome in decision.outcomes.items()
    ]
    bulk.insert_many(
        conn,
        evidence_outcome,
        ("event_id", "n", "outcome", "reason", "profile", "position"),
        rows,
        on_conflict="error",
    )
