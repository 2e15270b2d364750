"""`pausewire doctor`: check every dependency and every invariant, and say how to mend what fails."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import aiohttp
import typer
from sqlalchemy import Connection, func, select, text

from cli.asking import transports
from cli.contract_findings import findings_of
from cli.contract_profiles import profiles_of
from cli.indexing import identity_of
from cli.keeping import told
from cli.output import FAILED, Json, show_json, show_rows
from cli.sandbox import as_followed
from cli.wiring import Deployment, deployment
from config.errors import ConfigurationError
from ingest.contract_check import Finding
from ingest.errors import IngestError, ProfileInvalid
from ingest.metered import MeteredTransport
from ingest.pins import Identity, PassphraseOnly
from ingest.reconcile import report
from ingest.rpc import RpcEndpoint
from notifier.schema import attempt, delivery, notice
from notifier.states import CLAIMED, HANDED_OFF, QUEUED
from store.clock import now_micros
from store.engine import SQLITE
from store.errors import StoreError
from store.schema import evidence, evidence_outcome, log_head, recorded_event, scanned_range

_CLOCK_GRACE_SECONDS = 60
_CONNECT_SECONDS = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(json: Json = False) -> None:
    """Check settings, database, schema, endpoints, clock, providers and invariants; 1 if any fails."""
    here = as_followed(deployment())
    found = list(_examine(here))
    if json:
        show_json([finding._asdict() for finding in found])
    else:
        rows = [("ok" if each.ok else "FAILED", each.check, each.detail) for each in found]
        show_rows("Doctor", ("", "check", "seen"), rows)
    if not all(finding.ok for finding in found):
        raise typer.Exit(FAILED)


def _examine(here: Deployment) -> Iterator[Finding]:
    yield _tried("master key", lambda: f"{len(here.master_key)} bytes")
    yield _tried("profiles", lambda: f"{len(profiles_of(here))} contracts")
    database = _tried("database", lambda: here.migrated_database().dialect)
    yield database
    if database.ok:
        with here.database.read() as conn:
            yield from _invariants(conn)
    identity: Identity = PassphraseOnly(here.settings.network.passphrase)
    if database.ok:
        identity = identity_of(here, here.database)
    asked = asyncio.run(_endpoints(here, identity))
    yield from asked
    if database.ok and all(endpoint.ok for endpoint in asked):
        yield from _contracts(here)
    yield from _providers(here)
    yield Finding("kept", True, told(here.settings))


def _tried(check: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check, True, look())
    except (ConfigurationError, ProfileInvalid, StoreError) as error:
        return Finding(check, False, str(error))


def _contracts(here: Deployment) -> Iterator[Finding]:
    """What `pausewire contracts check` says of each configured contract."""
    try:
        found = asyncio.run(findings_of(here, here.database, profiles_of(here)))
    except (IngestError, StoreError) as error:
        yield Finding("contracts", False, str(error))
        return
    for contract_id, findings in found.items():
        for each in findings:
            yield Finding(f"{contract_id} {each.check}", each.ok, each.detail)


async def _endpoints(here: Deployment, identity: Identity) -> list[Finding]:
    timeout = min(_CONNECT_SECONDS, here.settings.ingest.request_timeout_seconds)
    async with aiohttp.ClientSession() as session:
        found = transports(session, here.settings, timeout_seconds=timeout)
        return [await _endpoint(transport, identity) for transport in found]


async def _endpoint(transport: MeteredTransport, identity: Identity) -> Finding:
    """The endpoint answers, follows our chain, and its newest ledger is young by our clock."""
    rpc = RpcEndpoint(transport)
    try:
        await identity.check(rpc)
        health = await rpc.health()
    except IngestError as error:
        return Finding(f"RPC {rpc.name}", False, str(error))
    age = (
        None
        if health.latest_ledger_close_time is None
        else time.time() - health.latest_ledger_close_time
    )
    seen = f"ledgers {health.oldest_ledger} to {health.latest_ledger}"
    if transport.latency_seconds is not None:
        seen += f", answers in {transport.latency_seconds * 1000:.0f} ms"
    if age is not None and abs(age) > _CLOCK_GRACE_SECONDS:
        return Finding(
            f"RPC {rpc.name}",
            False,
            f"{seen}; its clock and ours differ by {age:.0f} s: check both",
        )
    return Finding(f"RPC {rpc.name}", True, seen)


def _providers(here: Deployment) -> Iterator[Finding]:
    """Whether the servers that alerts go to can be reached; nothing is sent."""
    settings = here.settings
    for name, server in (("SMTP", settings.email), ("second SMTP", settings.second_email)):
        if server.enabled and server.host:
            yield _reachable(name, server.host, server.port)
    texting = (("SMS", settings.sms), ("second SMS", settings.second_sms))
    for name, url in (
        *((name, each.base_url) for name, each in texting if each.provider != "none"),
        ("push", settings.push.ntfy_url),
    ):
        if url is not None:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            yield _reachable(name, parts.hostname or "", port)


def _reachable(name: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return Finding(name, True, f"{host}:{port}")
    except OSError as error:
        return Finding(name, False, f"{host}:{port}: {error}")


def _invariants(conn: Connection) -> Iterator[Finding]:
    """The invariants of docs/architecture.md that one look at the database can tell."""
    count = conn.scalar(select(func.count()).select_from(recorded_event)) or 0
    head = conn.scalar(select(log_head.c.position)) or 0
    yield Finding("positions have no holes", count == head, f"{count} events, head at {head}")
    kept = conn.scalar(select(func.count()).select_from(evidence)) or 0
    judged = conn.scalar(select(func.count(evidence_outcome.c.event_id.distinct()))) or 0
    yield Finding("all evidence has an outcome", kept == judged, f"{kept} kept, {judged} judged")
    yield _overlaps(conn)
    yield _storage(conn)
    yield _overdue(conn)
    orphans = conn.scalar(
        select(func.count())
        .select_from(delivery)
        .outerjoin(notice, notice.c.notice_id == delivery.c.notice_id)
        .where(notice.c.notice_id.is_(None))
    )
    yield Finding("every delivery has a notice", not orphans, f"{orphans or 0} without")
    yield _open_attempts(conn)
    if conn.dialect.name != SQLITE:
        yield clears_up(conn.scalar(text("SHOW autovacuum")) or "?")


def clears_up(autovacuum: str) -> Finding:
    """Whether PostgreSQL, with this setting, clears away what was changed and counts what is there."""
    off = f"autovacuum is {autovacuum}: what is changed often gets slower by the hour; set it on"
    on = autovacuum == "on"
    return Finding("the server clears up", on, "autovacuum is on" if on else off)


def _storage(conn: Connection) -> Finding:
    """What the contracts themselves keep, by the last comparison; warnings count here."""
    found = report.open_findings(conn)
    seen = ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))
    if seen:
        return Finding("contracts keep what we recorded", False, f"{seen}: `pausewire reconcile`")
    never = "not compared yet" if report.oldest_finished(conn) is None else "no difference"
    return Finding("contracts keep what we recorded", True, never)


def _overlaps(conn: Connection) -> Finding:
    last: dict[str, int] = {}
    wrong = 0
    for row in conn.execute(
        select(scanned_range).order_by(scanned_range.c.contract_id, scanned_range.c.from_ledger)
    ):
        wrong += row.from_ledger <= last.get(row.contract_id, -1) + 1
        last[row.contract_id] = row.to_ledger
    return Finding("scanned ranges neither overlap nor touch", wrong == 0, f"{wrong} do")


def _overdue(conn: Connection) -> Finding:
    """Nothing that holds a lease is older than the lease and a minute of sweeping."""
    late = conn.scalar(
        select(func.count())
        .select_from(delivery)
        .where(
            delivery.c.state.in_((QUEUED, CLAIMED, HANDED_OFF)),
            delivery.c.lease_until < now_micros() - 60_000_000,
        )
    )
    return Finding(
        "no lease is overdue",
        not late,
        f"{late or 0} deliveries: is a `pausewire notify` running?",
    )


def _open_attempts(conn: Connection) -> Finding:
    still = conn.scalar(
        select(func.count())
        .select_from(attempt)
        .join(delivery, delivery.c.delivery_id == attempt.c.delivery_id)
        .where(attempt.c.result.is_(None), delivery.c.state.not_in((CLAIMED, HANDED_OFF)))
    )
    return Finding("every attempt has an outcome", not still, f"{still or 0} have none")
