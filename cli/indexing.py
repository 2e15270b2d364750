"""The index role, wired: endpoints, profiles, judge, recorder, and the projections follower."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from cli.asking import endpoints
from cli.contract_findings import findings_of
from cli.contract_profiles import ContractTranslator, added_contracts, profiles_of
from cli.history import past_ledgers
from cli.roles import Role
from cli.wiring import Deployment, process_name
from ingest.actors.seek import ActorSeeker, SeekOptions
from ingest.claimable.seek import ClaimableSeeker
from ingest.claimable.wanted import note as note_pauses
from ingest.contract_guard import ContractGuard
from ingest.endpoint_report import EndpointReport
from ingest.endpoints import EndpointPool
from ingest.follow import LiveFollow
from ingest.follow_options import FollowOptions
from ingest.gaps import GapRecorder
from ingest.headroom import RetentionGuard
from ingest.healing import Healer
from ingest.job_closer import JobCloser
from ingest.judge import Judge
from ingest.ladder import Ladder
from ingest.pin_keeper import PinKeeper
from ingest.pins import ChainIdentity, Pin, stored_pins
from ingest.profiles.shapes import Profile
from ingest.reconcile.closing import ReconcileCloser
from ingest.reconcile.requests import HEALS, Schedule
from ingest.reconcile.worker import ReconcileWorker
from ingest.record import Recorder
from ingest.reprocess import Reprocessor
from ingest.states import StateCache
from ingest.writers import Writers
from projections.follow import projections_follower
from store.engine import Database
from store.lease import Lease

LEASE_NAME = "index"


def identity_of(here: Deployment, database: Database) -> ChainIdentity:
    """What every endpoint must prove: the network's name, and the ledgers that were pinned."""

    def stored() -> list[Pin]:
        with database.read() as conn:
            return stored_pins(conn)

    network = here.settings.network
    given = None
    if network.pinned_ledger is not None:
        ledger, _, digest = network.pinned_ledger.partition(":")
        given = Pin(int(ledger), digest)
    return ChainIdentity(network.passphrase, given, stored)


def index_roles(here: Deployment, database: Database) -> list[Role]:
    """Following, projecting, minding the RPC's retention and the contracts, as this process's roles."""
    settings = here.settings
    projections = projections_follower(
        database,
        poll_seconds=settings.projections.poll_seconds,
        chunk_events=settings.projections.chunk_events,
    )
    guard = _guard(here, database)
    profiles = profiles_of(here)
    contracts = ContractGuard(database, lambda: findings_of(here, database, profiles))
    return [
        follow_role(here, database),
        Role("projections", projections.run),
        Role("retention", guard.run),
        Role("contracts", contracts.run),
    ]


def follow_role(
    here: Deployment, database: Database, profiles: dict[str, Profile] | None = None
) -> Role:
    """Following alone: it stands by while another process leads. Raises ProfileInvalid.

    `profiles`: by contract id, where they are read already.
    """
    profiles = profiles_of(here) if profiles is None else dict(profiles)

    def follow(stop: threading.Event) -> None:
        uvloop.run(_follow(here, database, profiles, stop))

    return Role("index", follow)


async def _follow(
    here: Deployment, database: Database, profiles: dict[str, Profile], stop: threading.Event
) -> None:
    """Follow on this thread's own event loop until the process is told to stop."""
    stopping = asyncio.Event()
    watching = asyncio.create_task(_watch(stop, stopping))
    identity = identity_of(here, database)
    async with endpoints(here.settings, identity) as rpc:
        history = past_ledgers(here.settings, rpc, identity.pins)
        live = _live_follow(here, database, rpc, history, profiles)
        try:
            await live.run(stopping)
        finally:
            watching.cancel()


def _live_follow(
    here: Deployment,
    database: Database,
    rpc: EndpointPool,
    history: Ladder,
    profiles: dict[str, Profile],
) -> LiveFollow:
    settings = here.settings
    writers = _writers(here, database, rpc, profiles)
    claimable = ClaimableSeeker(
        database, rpc=rpc, profiles=profiles, poll_seconds=settings.ingest.poll_seconds
    )
    lease = Lease(
        database, name=LEASE_NAME, holder=process_name(), seconds=settings.ingest.lease_seconds
    )
    actors = ActorSeeker(
        database,
        rpc=rpc,
        recorder=writers.recorder,
        lease=lease,
        options=_seeking(here),
        also=note_pauses,
    )
    return LiveFollow(
        database,
        rpc=rpc,
        history=history,
        whole_ledgers=history.below(),
        writers=writers,
        lease=lease,
        actors=actors,
        options=_following(here, profiles),
        beside=_beside(database, rpc, lease, claimable),
    )


def _following(here: Deployment, profiles: dict[str, Profile]) -> FollowOptions:
    settings = here.settings
    return FollowOptions(
        passphrase=settings.network.passphrase,
        start_ledgers={each.id: each.start_ledger for each in settings.network.contracts},
        poll_seconds=settings.ingest.poll_seconds,
        page_limit=settings.ingest.page_limit,
        lease_seconds=settings.ingest.lease_seconds,
        margin_ledgers=settings.ingest.retention_margin_ledgers,
        requests=settings.ingest.concurrent_requests,
        yield_seconds=settings.ingest.yield_seconds,
        added=added_contracts(profiles),
    )


def _writers(
    here: Deployment, database: Database, rpc: EndpointPool, profiles: dict[str, Profile]
) -> Writers:
    translator = ContractTranslator(profiles)
    cache = StateCache(here.network)
    judge = Judge(translator, cache, translator.reads_alike)
    recorder = Recorder(
        database,
        judge=judge,
        cache=cache,
        slice_events=here.settings.ingest.slice_events,
        on_recorded=_guard(here, database).saw,
    )
    reconciling = ReconcileWorker(
        database=database,
        rpc=rpc,
        network=here.network,
        profiles=profiles,
        recorder=recorder,
        closer=ReconcileCloser(database, cache),
    )
    margin = here.settings.ingest.retention_margin_ledgers
    return Writers(
        recorder=recorder,
        gaps=GapRecorder(database, cache=cache, margin_ledgers=margin),
        jobs=JobCloser(database, cache),
        reprocessor=Reprocessor(
            database, judge=judge, recorder=recorder, cache=cache, labels=translator.labels
        ),
        workers=dict.fromkeys(HEALS, reconciling),
        before_jobs=_schedule(here, database).request_due,
        healer=Healer(database, cache),
    )


def _schedule(here: Deployment, database: Database) -> Schedule:
    wanted = here.settings.reconcile
    return Schedule(database, hours=wanted.hours, heal=wanted.heal)


def _beside(
    database: Database, rpc: EndpointPool, lease: Lease, claimable: ClaimableSeeker
) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
    """What the leader does beside following: mind its endpoints, and read what a pause left to claim."""
    pins, report = PinKeeper(database, rpc, lease), EndpointReport(database, rpc, lease)
    return rpc.watch, pins.run, report.run, claimable.run


def _seeking(here: Deployment) -> SeekOptions:
    return SeekOptions(
        network=here.network,
        authorities={each.id: each.authorities for each in here.settings.network.contracts},
        poll_seconds=here.settings.ingest.poll_seconds,
    )


def _guard(here: Deployment, database: Database) -> RetentionGuard:
    return RetentionGuard(database, warning_seconds=here.settings.ingest.headroom_warning_seconds)


async def _watch(stop: threading.Event, stopping: asyncio.Event) -> None:
    """Pass the process's stop on to the event loop."""
    while not stop.is_set():  # noqa: ASYNC110 # the process's event is a thread's, it cannot be awaited
        await asyncio.sleep(0.1)
    stopping.set()
