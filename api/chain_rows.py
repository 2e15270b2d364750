"""Rows of the read models as answers show them: times as dates, large numbers as text."""

from typing import Any

from api.beside_pauses import Known
from api.contract_schemas import Gap
from api.pause_schemas import Pause, StreamPause
from api.schemas import Stream, TimelineEntry
from api.shown import digits, from_seconds
from projections.contracts import GapRow
from projections.pauses import PauseRow, duration_seconds
from projections.streams import StreamRow
from projections.timeline import TimelineEntry as TimelineRow


def stream_members(row: StreamRow) -> dict[str, Any]:
    """The members of a Stream."""
    return {
        "contract_id": row.contract_id,
        "stream_id": str(row.stream_id),
        "status": row.status,
        "employer": row.employer,
        "employee": row.employee,
        "proposed_employer": row.proposed_employer,
        "delegate": row.delegate,
        "rate": digits(row.rate),
        "created_at": from_seconds(row.created_at),
        "status_at": from_seconds(row.status_at),
        "paused_since": from_seconds(row.paused_since),
        "paused_by": row.paused_by,
        "paused_by_role": row.paused_by_role,
        "pause_count": row.pause_count,
        "total_paused_seconds": row.total_paused_seconds,
        "anomalies": row.anomalies,
    }


def stream(row: StreamRow) -> Stream:
    """A stream in a list."""
    return Stream(**stream_members(row))


def pause(row: PauseRow) -> Pause:
    """A pause of a whole contract."""
    return Pause(**pause_members(row))


def stream_pause(row: PauseRow, known: Known) -> StreamPause:
    """A pause of a stream, and what is known of it besides."""
    return StreamPause(
        **pause_members(row),
        notified=known.told,
        claimable_at_pause=digits(known.claimable),
        token=known.token,
    )


def pause_members(row: PauseRow) -> dict[str, Any]:
    """The members of a Pause."""
    paused_at, resumed_at = from_seconds(row.paused_at), from_seconds(row.resumed_at)
    ended = paused_at is not None and resumed_at is not None
    return {
        "id": row.id,
        "paused_at": paused_at,
        "resumed_at": resumed_at,
        "start_known": row.start_known,
        "ended_by": row.ended_by,
        "start_ledger": row.start_ledger,
        "end_ledger": row.end_ledger,
        "start_tx_hash": row.start_tx_hash or None,
        "end_tx_hash": row.end_tx_hash or None,
        "start_event_id": row.start_event_id,
        "end_event_id": row.end_event_id,
        "duration_seconds": duration_seconds(row) if ended else None,
        "open": row.ended_by is None,
        "paused_by": row.paused_by,
        "paused_by_role": row.paused_by_role,
    }


def timeline_entry(row: TimelineRow) -> TimelineEntry:
    """An event of a stream."""
    return TimelineEntry(
        event_id=row.event_id,
        kind=row.kind,
        at=from_seconds(row.closed_at),
        ledger=row.ledger,
        tx_hash=row.tx_hash or None,
        employer=row.employer,
        employee=row.employee,
        verdict=row.verdict,
        late=row.late,
        position=row.position,
        details=row.details,
    )


def gap(row: GapRow) -> Gap:
    """Ledgers that were never scanned."""
    return Gap(
        from_ledger=row.from_ledger,
        to_ledger=row.to_ledger,
        since=from_seconds(row.opened_at),
        healed_by=row.healed_by,
        healed_at=from_seconds(row.healed_at),
    )
