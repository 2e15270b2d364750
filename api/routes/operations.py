"""For machines that watch: alive, ready, status, metrics, version; and the reference pages."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from sqlalchemy import Connection
from starlette.responses import Response

from api.announcement import announced
from api.dependencies import KEYED, ApiDependencies, Operator, Reads, Serving, client_of
from api.followers import behind, follower_faults, planning
from api.health import following_faults, missing_tables, observe
from api.networks import within
from api.operation_schemas import Alive, Banner, Operations, Ready, Status, Version
from api.problem_answers import storage_fault
from api.problems import INVALID_REQUEST, NETWORK_REFUSED, NOT_READY, Problem, documented
from api.standing import standing
from store.clock import now_micros

router = APIRouter(tags=["operation"])

_NOT_READY = documented(NOT_READY, INVALID_REQUEST)
_ROLE_CHECKS: dict[str | None, tuple[str, ...]] = {
    "index": ("gaps", "lag"),
    "notify": ("planning",),
}


@router.get("/livez", summary="Is the process alive?")
async def livez() -> Alive:
    """Looks at nothing: an orchestrator restarts a process that does not answer."""
    return Alive(status="alive")


@router.get("/readyz", summary="Can the process do its work?", responses=_NOT_READY)
@router.get("/health", summary="The same as /readyz", responses=_NOT_READY)
async def readyz(
    given: Serving,
    snapshot: Reads,
    role: Annotated[
        Literal["index", "notify"] | None,
        Query(
            description="`index`: also, is the chain followed completely and closely?"
            " `notify`: also, do recorded events become notices in time?"
        ),
    ] = None,
) -> Ready:
    """Without `role`: database and schema. An API node stays ready during a gap, and says so in answers.

    With `role=index`: 503 while a gap is open or the lag is over its limit. With `role=notify`: 503 while
    planning is further behind the log than `objectives.latency_seconds`.
    """
    try:
        missing = await snapshot.read(missing_tables)
        reasons = [f"schema: no table {', '.join(missing)}"] if missing else []
        if role is not None and not missing:
            reasons = await snapshot.read(lambda conn: _faults_of(role, conn, given))
    except Exception as error:
        fault = storage_fault(error)
        if fault is None:
            raise
        reasons = [f"database: {type(fault).__name__}"]
    if reasons:
        raise Problem(NOT_READY, "; ".join(reasons), reasons=reasons)
    return Ready(status="ready", checks=["database", "schema", *_ROLE_CHECKS.get(role, ())])


def _faults_of(role: str, conn: Connection, given: ApiDependencies) -> list[str]:
    """What keeps a role from its work, in words."""
    if role == "index":
        return following_faults(observe(conn, given.contracts), given.lag_limit_ledgers)
    return follower_faults([planning(behind(conn, now_micros()))], given.latency_seconds)


@router.get("/v1/status", summary="Public status")
async def status(given: Serving, snapshot: Reads) -> Status:
    """What anybody may know about this deployment; needs no key."""
    health, planned, said = await snapshot.read(
        lambda conn: (
            observe(conn, given.contracts),
            planning(behind(conn, now_micros())),
            announced(conn),
        )
    )
    return Status(
        network_id=given.network,
        contracts=list(given.contracts),
        fresh_to_ledger=health.fresh_to_ledger,
        completeness=health.completeness,
        lag_ledgers=health.lag_ledgers,
        lag_limit_ledgers=given.lag_limit_ledgers,
        head_position=health.head_position,
        planning_lag_seconds=planned.seconds,
        explorer_url=given.explorer_url,
        web_push_key=given.web_push_key,
        banner=None if said is None else Banner.model_validate(said),
    )


@router.get("/v1/operations", summary="How everything stands", responses=KEYED)
async def operations(_: Operator, given: Serving, snapshot: Reads) -> Operations:
    """Leader, lag, endpoints, queues, breakers and alarms, as `pausewire status` prints them."""
    found = await snapshot.read(
        lambda conn: standing(
            conn,
            given.contracts,
            given.lag_limit_ledgers,
            given.latency_seconds,
            canary=given.canary,
        )
    )
    return Operations.model_validate(found)


@router.get("/version", summary="Version")
async def version(given: Serving) -> Version:
    """Which Pausewire answers."""
    return Version(version=given.version)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **documented(NETWORK_REFUSED)},
)
async def metrics(request: Request, given: Serving) -> Response:
    """Answers to the networks of the setting `api.metrics_networks` only."""
    if not within(client_of(request), given.metrics_networks):
        raise Problem(NETWORK_REFUSED, "metrics are not served to this address")
    text = await asyncio.to_thread(generate_latest, given.registry)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)
