"""What a route is given: a snapshot of the database, who calls, and the values of this deployment.

Writes go through the store's write transactions, in a thread. Dependencies are coroutines even where
they await nothing: FastAPI runs plain functions in threads, which cost 0.1 ms apiece.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

import structlog
from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from prometheus_client import CollectorRegistry
from starlette.background import BackgroundTasks

from api import rate_limits
from api.caller import Caller
from api.callers import caller_of, caller_query
from api.keys import (
    AUDIT_READ,
    EMPLOYEE,
    OPERATOR,
    STREAMS_READ,
    USE_GRAIN_MICROS,
    WEBHOOKS_WRITE,
    note_use,
)
from api.networks import Network, within
from api.pages import DEFAULT_LIMIT
from api.problems import (
    INVALID_REQUEST,
    NETWORK_REFUSED,
    SCOPE_MISSING,
    UNAUTHENTICATED,
    Problem,
    documented,
)
from api.rate_limits import BY_CALLER, UNLIMITED, Limiter, RateLimits
from api.read_noting import CALLER
from api.sandbox_wallet import SandboxWallet
from api.sign_in import SignIn
from api.snapshot import Snapshot, snapshot_of
from domain.values import NetworkId
from notifier.callbacks.tidings import Provider
from notifier.channels.receiver_address import ReceiverRules
from notifier.channels.webhook import WebhookChannel
from notifier.guests import GuestList
from notifier.privacy import Vault
from notifier.rendering import Renderer
from projections.sets import LastServing
from store.clock import now_micros
from store.engine import Database
from store.errors import StoreError
from wallets.control import ControlSource
from wallets.prover import Prover

log = structlog.get_logger()

EVERYWHERE: Final = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
KEY_USE_NOT_NOTED: Final = "key_use_not_noted"


@dataclass(frozen=True, kw_only=True)
class ApiDependencies:
    """What the process that serves gives the API; the API itself reads no settings.

    `contracts`: ids of the followed ones. `registry`: where metrics of other roles of this process
    already stand. `domain`: whom people sign in to, host and port; `passphrase`: the network's, which the
    message they sign names. `providers`: who may call back, by name; `callback_url`: where they reach this
    API, without a slash at its end, None: under the address that each request names. `latency_seconds`:
    from ledger close to told, as promised; `canary`: whether one is sent each minute. `control`: where it
    is looked up who controls an account; `prover`: proves addresses.
    `webhooks`: tries receivers of outgoing webhooks out, `guests`: those that may be written to.
    `trusted_proxies`: who is believed about whom it answers. `sandbox_key`, `sandbox_wallet`: of a
    development start, for its page; else None.
    `web_push_key`: the public one that browsers subscribe with, None: no web push.
    """

    database: Database
    vault: Vault
    network: NetworkId
    contracts: tuple[str, ...]
    version: str
    guests: GuestList
    lag_limit_ledgers: int = 24
    latency_seconds: float = 30.0
    canary: bool = True
    max_limit: int = 200
    cors_origins: tuple[str, ...] = ()
    metrics_networks: tuple[Network, ...] = ()
    operator_networks: tuple[Network, ...] = EVERYWHERE
    callback_networks: tuple[Network, ...] = EVERYWHERE
    trusted_proxies: tuple[Network, ...] = ()
    rate_limits: RateLimits = UNLIMITED
    domain: str = "127.0.0.1:8000"
    passphrase: str = "Standalone Network ; February 2017"  # noqa: S105 # of a network, public
    challenge_seconds: int = 300
    session_seconds: int = 86_400
    read_log_days: float = 365.0
    control: ControlSource | None = None
    prover: Prover = field(default_factory=Prover)
    public_badges: bool = False
    explorer_url: str | None = None
    web_push_key: str | None = None
    root_path: str = ""
    sandbox_key: str | None = None
    sandbox_wallet: SandboxWallet | None = None
    providers: Mapping[str, Provider] = field(default_factory=dict)
    callback_url: str | None = None
    feed_connections: int = 1000
    feed_heartbeat_seconds: float = 15.0
    feed_poll_seconds: float = 1.0
    webhooks: WebhookChannel = field(
        default_factory=lambda: WebhookChannel(ReceiverRules(), timeout_seconds=10)
    )
    preview: bool = False
    renderer: Renderer = field(default_factory=Renderer)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    last_serving: LastServing = field(default_factory=LastServing)

    @property
    def sign_in(self) -> SignIn:
        """What makes and knows the challenges of a sign-in."""
        return SignIn(self.vault, self.domain, self.passphrase, self.challenge_seconds)


async def serving(request: Request) -> ApiDependencies:
    """What this app was made with."""
    given: ApiDependencies = request.app.state.dependencies
    return given


Serving = Annotated[ApiDependencies, Depends(serving)]


async def request_snapshot(given: Serving) -> Snapshot:
    """Where the request reads: no connection is held between its reads, nor while it is answered."""
    return snapshot_of(given.database)


Reads = Annotated[Snapshot, Depends(request_snapshot)]

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    bearerFormat="pw_<id>_<secret>, or a JWT",
    description="An API key (`pausewire keys create`), or a session's token (`POST /v1/auth/token`).",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def known_caller(
    request: Request,
    wanted: SecurityScopes,
    credentials: Credentials,
    given: Serving,
    snapshot: Reads,
    tasks: BackgroundTasks,
) -> Caller:
    """Who sent the key or token. Raises Problem: missing, not good, or lacking the route's scope."""
    query = None if credentials is None else caller_query(credentials.credentials)
    if credentials is None or query is None:
        raise _unauthenticated(
            "no API key was sent" if credentials is None else "neither an API key nor a session"
        )
    row = await snapshot.ask(lambda conn: conn.execute(*query).first())
    now = now_micros()
    caller = caller_of(credentials.credentials, row, given.vault, issuer=given.domain, now=now)
    if caller is None:
        raise _unauthenticated("the API key or session is not known, was revoked or has ended")
    request.scope.setdefault("state", {})[CALLER] = caller
    limiter: Limiter = request.app.state.limiter
    rate_limits.told(
        request.scope, BY_CALLER, limiter.caller(caller.key_id, caller.requests_per_minute)
    )
    if OPERATOR in wanted.scopes and not within(client_of(request), given.operator_networks):
        raise Problem(NETWORK_REFUSED, "operators are not answered at this address")
    for scope in wanted.scopes:
        if scope not in caller.scopes:
            raise Problem(SCOPE_MISSING, f"the caller lacks the scope {scope}", scope=scope)
    if not caller.is_session and (
        caller.last_used_at is None or caller.last_used_at < now - USE_GRAIN_MICROS
    ):
        tasks.add_task(_note_use, given.database, caller.key_id, now)
    return caller


StreamsReader = Annotated[Caller, Security(known_caller, scopes=[STREAMS_READ])]
Employee = Annotated[Caller, Security(known_caller, scopes=[EMPLOYEE])]
WebhooksKeeper = Annotated[Caller, Security(known_caller, scopes=[WEBHOOKS_WRITE])]
Operator = Annotated[Caller, Security(known_caller, scopes=[OPERATOR])]
Auditor = Annotated[Caller, Security(known_caller, scopes=[AUDIT_READ])]

# What any route with a key may answer besides its own problems.
KEYED: Final = documented(UNAUTHENTICATED, SCOPE_MISSING, INVALID_REQUEST)


async def page_limit(
    given: Serving,
    limit: Annotated[
        int, Query(ge=1, description="most items to answer with; at most 200 unless configured")
    ] = DEFAULT_LIMIT,
) -> int:
    """How many items a page may have. Raises Problem beyond the deployment's limit."""
    if limit > given.max_limit:
        fault = {"field": "query.limit", "problem": f"give at most {given.max_limit}"}
        raise Problem(INVALID_REQUEST, "wrong: query.limit", errors=[fault])
    return limit


PageLimit = Annotated[int, Depends(page_limit)]
PageCursor = Annotated[
    str | None, Query(alias="cursor", description="`next_cursor` of the page before")
]


def client_of(request: Request) -> str | None:
    """The address that a request came from."""
    return None if request.client is None else request.client.host


def _unauthenticated(detail: str) -> Problem:
    return Problem(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": "Bearer"})


async def _note_use(database: Database, key_id: str, now: int) -> None:
    def write() -> None:
        with database.begin() as conn:
            note_use(conn, key_id, now)

    try:
        await asyncio.to_thread(write)
    except StoreError as error:
        # Nobody waits for this; the next request within ten minutes tries again.
        log.warning(KEY_USE_NOT_NOTED, key_id=key_id, reason=type(error).__name__)
