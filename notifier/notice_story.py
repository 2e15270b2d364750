"""Everything that happened to one notice, with whose clock told each time.

In: an id or the reference that a person reads out. Out: the notice, its deliveries, their stages,
attempts and callbacks; no destination, and no account.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from notifier.composing import reference_of
from notifier.explaining import Explanation, because, explain, explain_carried
from notifier.latency import STAGES
from notifier.lookups.asking import asked_for
from notifier.schema import attempt, callback, delivery, notice

MOST_NAMESAKES = 20  # a reference is 32 bits: two notices may share one
_ID_DIGITS = 32
_LEAST_DIGITS = 4
_MICROS = 1_000_000

LEDGER_CLOCK = "ledger close, whole seconds"
PROVIDER_CLOCK = "the provider's"
# Whose clock tells each stage; `delivered` is the provider's wherever it is not the inbox.
CLOCKS = {
    "observed": "indexer, when the page arrived",
    "recorded": "indexer, when it was committed",
    "planned": "planner",
    "queued": "relay",
    "handed_off": "worker, before the bytes left",
    "accepted": "worker, when the answer came",
    "delivered": "provider, by callback",
    "read": "API, when it was marked read",
}
_DELIVERED_IN_APP = "planner, with the notice"
IN_APP = "in_app"
_ASKED = ("tries", "outcome", "asked_at", "due_at")


def notices_named(name: str) -> Select[Any] | None:
    """Notices with this id, or with ids that begin with this reference; None: it is neither."""
    digits = name.strip().replace("-", "").lower()
    if not _LEAST_DIGITS <= len(digits) <= _ID_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    missing = _ID_DIGITS - len(digits)
    lowest, highest = UUID(digits + "0" * missing), UUID(digits + "f" * missing)
    return (
        select(notice)
        .where(notice.c.notice_id.between(lowest, highest))
        .order_by(notice.c.planned_at.desc())
        .limit(MOST_NAMESAKES)
    )


def notices_of(recipient_id: str, cause: str) -> Select[Any]:
    """What one recipient was told of one cause."""
    return (
        select(notice)
        .where(notice.c.cause_event_id == cause, notice.c.recipient_id == recipient_id)
        .order_by(notice.c.planned_at, notice.c.kind)
    )


def story_of(conn: Connection, row: Row[Any]) -> dict[str, Any]:
    """A notice and all that became of it; times in microseconds, `closed_at` in unix seconds."""
    deliveries = conn.execute(
        select(delivery)
        .where(delivery.c.notice_id == row.notice_id)
        .order_by(delivery.c.channel, delivery.c.planned_at, delivery.c.delivery_id)
    ).all()
    return {
        "notice_id": row.notice_id,
        "reference": reference_of(row.notice_id),
        "kind": row.kind,
        "cause_event_id": row.cause_event_id,
        "contract_id": row.contract_id,
        "stream_id": None if row.stream_id is None else str(row.stream_id),
        "late": row.late,
        "language": row.language,
        "template_version": row.template_version,
        "erased": row.content is None,
        "position": row.position,
        "closed_at": row.closed_at,
        "clock_of_closed_at": LEDGER_CLOCK,
        "deliveries": [_delivery(conn, row, each) for each in deliveries],
    }


def _delivery(conn: Connection, of: Row[Any], row: Row[Any]) -> dict[str, Any]:
    why = _carried(conn, row.carried_by) or explain(
        row.state, row.reason, until=_minute(row.available_at)
    )
    return {
        "delivery_id": row.delivery_id,
        "channel": row.channel,
        "endpoint": row.endpoint,
        "state": row.state,
        "reason": row.reason,
        "purpose": row.purpose,
        "explanation": why.text + because(row.purpose),
        "remedy": why.remedy,
        "not_before": row.available_at,
        "deadline_at": row.deadline_at,
        "provider": row.provider,
        "provider_message_id": row.provider_message_id,
        "possible_duplicate": row.possible_duplicate,
        "digest": row.digest,
        "carried_by": row.carried_by,
        "stages": _stages(of, row),
        "attempts": [_attempt(each) for each in conn.execute(_attempts(row.delivery_id))],
        "callbacks": [_callback(each) for each in conn.execute(_callbacks(row.delivery_id))],
        "asked": [_named(each, _ASKED) for each in conn.execute(asked_for(row.delivery_id))],
    }


def _minute(at: int) -> str:
    return f"{datetime.fromtimestamp(at // _MICROS, UTC):%Y-%m-%dT%H:%MZ}"


def _carried(conn: Connection, delivery_id: UUID | None) -> Explanation | None:
    """How the digest stands that tells this; None: none does."""
    if delivery_id is None:
        return None
    row = conn.execute(select(delivery).where(delivery.c.delivery_id == delivery_id)).one()
    return explain_carried(delivery_id, row.state, row.reason)


def _stages(of: Row[Any], row: Row[Any]) -> list[dict[str, Any]]:
    """The stages passed, each with its time, the seconds since ledger close, and whose clock it is."""
    in_app = row.channel == IN_APP
    times = {stage: getattr(row, f"{stage}_at", None) for stage in STAGES}
    times |= {"observed": of.observed_at, "recorded": of.recorded_at}
    times["read"] = of.read_at if in_app else None
    clocks = CLOCKS | ({"delivered": _DELIVERED_IN_APP} if in_app else {})
    return [
        {
            "stage": stage,
            "at": at,
            "seconds": round((at - of.closed_at * _MICROS) / _MICROS, 3),
            "clock": clocks[stage],
        }
        for stage, at in times.items()
        if at is not None
    ]


def _attempts(delivery_id: UUID) -> Select[Any]:
    return select(attempt).where(attempt.c.delivery_id == delivery_id).order_by(attempt.c.n)


def _callbacks(delivery_id: UUID) -> Select[Any]:
    return (
        select(callback)
        .where(callback.c.delivery_id == delivery_id)
        .order_by(callback.c.received_at, callback.c.callback_id)
    )


def _attempt(row: Row[Any]) -> dict[str, Any]:
    return _named(
        row, ("n", "provider", "phase", "result", "status_code", "enhanced_code")
    ) | _named(
        row, ("detail", "retry_after_seconds", "started_at", "handed_off_at", "ended_at", "worker")
    )


def _callback(row: Row[Any]) -> dict[str, Any]:
    return _named(
        row,
        ("provider", "kind", "state", "outcome", "happened_at", "received_at", "processed_at"),
    )


def _named(row: Row[Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
