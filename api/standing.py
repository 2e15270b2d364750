"""How everything stands, in one look: leader, lag, endpoints, followers, queues, breakers, alarms.

`pausewire status` prints it, `GET /v1/operations` answers with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from api.followers import behind, follower_faults
from api.health import Health, following_faults, observe
from api.shown import from_micros
from ingest.contract_guard import known_faults
from ingest.disputes import rpc_dispute
from ingest.endpoint_report import reported
from ingest.profile_conflicts import profile_conflict
from ingest.reconcile import report
from ingest.reconcile.findings import WARNINGS, Kind
from ingest.stored import still_quarantined
from notifier import spending, storm, switch
from notifier.buckets import held_now
from notifier.callbacks.arrivals import DEAD
from notifier.callbacks.steering import unfinished
from notifier.schema import delivery, plan_parked, provider_health
from notifier.states import PENDING, QUEUED, RETRY_WAIT, UNKNOWN
from notifier.uptime import canary_latency
from projections.pauses import by_strangers
from projections.sets import active_set
from store.clock import now_micros
from store.schema import evidence_conflict, lease, notice_fact_outbox

_WAITING = (PENDING, QUEUED, RETRY_WAIT)


def standing(
    conn: Connection,
    contracts: Sequence[str],
    lag_limit: int,
    latency_seconds: float,
    *,
    canary: bool,
) -> dict[str, Any]:
    """What is, and under `failed` what a person must see to, in words. `canary`: there is one."""
    now = now_micros()
    health = observe(conn, contracts)
    followers = behind(conn, now)
    found: dict[str, Any] = {
        "failed": following_faults(health, lag_limit),
        "log": _log(health),
        "leader": _leader(conn, now),
        "endpoints": _endpoints(conn),
        "followers": {each.name: each.events for each in followers},
        "follower_lag_seconds": {each.name: each.seconds for each in followers},
        "deliveries": _deliveries(conn, now),
        "breakers": _breakers(conn),
        "patience": _patience(conn, now),
        "canary_latency_seconds": canary_latency(conn, now) if canary else None,
        "storm": _storm(conn),
        "spending": _spending(conn, now),
        "sending": "paused" if switch.status(conn).paused else "on",
        "alarms": _alarms(conn),
    }
    found["failed"] += follower_faults(followers, latency_seconds)
    found["failed"] += _failures(found)
    found["failed"] += _late_canary(found, latency_seconds)
    found["failed"] += [
        f"{contract_id} {each.check}: no. {each.detail}"
        for contract_id, each in known_faults(conn)
        if contract_id in contracts
    ]
    return found


def _log(health: Health) -> dict[str, Any]:
    return {
        "head_position": health.head_position,
        "fresh_to_ledger": health.fresh_to_ledger,
        "completeness": health.completeness,
        "lag_ledgers": health.lag_ledgers,
    }


def _breakers(conn: Connection) -> list[dict[str, Any]]:
    columns = (provider_health.c.provider, provider_health.c.state, provider_health.c.reason)
    return [row._asdict() for row in conn.execute(select(*columns))]


def _patience(conn: Connection, now: int) -> list[dict[str, Any]]:
    """Who said that it is too much."""
    return [{"bucket": each.bucket, "until": _when(each.until)} for each in held_now(conn, now)]


def _leader(conn: Connection, now: int) -> dict[str, Any] | None:
    row = conn.execute(select(lease)).first()
    if row is None or row.expires_at < now:
        return None
    return {"holder": row.holder, "epoch": row.epoch, "until": _when(row.expires_at)}


def _endpoints(conn: Connection) -> list[dict[str, Any]]:
    """As the active indexer sees them; `latency_seconds` null before a first answer."""
    return [
        {
            "endpoint": row.name,
            "state": row.state,
            "reason": row.reason,
            "latency_seconds": row.latency_micros and row.latency_micros / 1_000_000,
            "latest_ledger": row.latest_ledger,
            "oldest_ledger": row.oldest_ledger,
            "lag_ledgers": row.lag_ledgers,
            "seen_at": _when(row.seen_at),
        }
        for row in conn.execute(reported())
    ]


def _deliveries(conn: Connection, now: int) -> dict[str, Any]:
    counts = conn.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
    oldest = conn.scalar(
        select(func.min(delivery.c.available_at)).where(
            delivery.c.state.in_(_WAITING), delivery.c.available_at <= now
        )
    )
    return {
        "by_state": {row[0]: row[1] for row in counts},
        "oldest_due_seconds": 0.0 if oldest is None else (now - oldest) / 1_000_000,
        "facts_waiting": _count(conn, notice_fact_outbox),
    }


def _alarms(conn: Connection) -> dict[str, int]:
    return {
        "quarantined": conn.scalar(still_quarantined()) or 0,
        "evidence_conflicts": _count(conn, evidence_conflict),
        "profile_conflicts": _count(conn, profile_conflict),
        "plan_parked": _count(conn, plan_parked, plan_parked.c.ending.is_(None)),
        "differences_from_storage": _differences(conn),
        "events_that_endpoints_dispute": _count(conn, rpc_dispute),
        "callbacks_dead": unfinished(conn)[DEAD],
        "pauses_by_strangers": conn.scalar(by_strangers(active_set(conn))) or 0,
    }


def _differences(conn: Connection) -> int:
    """Open findings of the last reconciliations; not warnings, nor that a profile says nothing."""
    silent = {*WARNINGS, Kind.NOT_RECONCILABLE}
    return sum(
        count for kind, count in report.open_findings(conn).items() if Kind(kind) not in silent
    )


def _count(conn: Connection, table: Any, *where: ColumnElement[bool]) -> int:
    return conn.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _failures(found: Mapping[str, Any]) -> list[str]:
    """Alarms and open breakers, in words."""
    failures = [
        f"{count} {name.replace('_', ' ')}" for name, count in found["alarms"].items() if count
    ]
    failures += [
        f"breaker of {each['provider']} is {each['state']}: {each['reason']}"
        for each in found["breakers"]
        if each["state"] != "closed"
    ]
    failures += [
        f"RPC {each['endpoint']} is {each['state']}: {each['reason']}"
        for each in found["endpoints"]
        if each["state"] in ("open", "expelled")
    ]
    if found["leader"] is None:
        failures.append("no indexer is active")
    if found["storm"]["held"]:
        failures.append(
            f"the storm brake is on since {found['storm']['since']}: {found['storm']['held']} deliveries"
            " are held: `pausewire deliveries release|cancel --where reason=storm`"
        )
    if found["spending"]["refused_today"]:
        failures.append(
            f"the day's money is spent: {found['spending']['held']} deliveries are held:"
            " `pausewire deliveries release|cancel --where reason=cost_cap`"
        )
    unknown = found["deliveries"]["by_state"].get(UNKNOWN, 0)
    if unknown:
        failures.append(f"{unknown} deliveries of unknown outcome: `pausewire deliveries list`")
    return failures


def _storm(conn: Connection) -> dict[str, Any]:
    """What the storm brake holds; `since` null: it is off."""
    found = storm.standing(conn)
    return {"held": found.held, "since": None if found.since is None else _when(found.since)}


def _spending(conn: Connection, now: int) -> dict[str, Any]:
    """What today cost as far as it is counted, and what is held for it."""
    found = spending.standing(conn, now)
    return {
        "spent_today_micros": found.spent.get("", 0),
        "held": found.held,
        "since": None if found.since is None else _when(found.since),
        "refused_today": found.refused,
    }


def _late_canary(found: Mapping[str, Any], limit: float) -> list[str]:
    latency = found["canary_latency_seconds"]
    if latency is None or latency <= limit:
        return []
    return [f"the canary takes {latency:.0f} s, {limit:g} are promised: people are told late"]


def _when(micros: int) -> str | None:
    at = from_micros(micros)
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
