"""The api role, wired: uvicorn on a thread, serving the application."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from importlib.metadata import version
from urllib.parse import urlsplit

import uvicorn
import uvloop

from api.app import create_app
from api.dependencies import ApiDependencies
from api.rate_limits import RateLimits
from cli.callback_providers import callback_providers
from cli.contract_list import contracts_of
from cli.http_connection import HttpConnection
from cli.roles import Role
from cli.wiring import Deployment
from config.api_settings import ApiSettings
from config.push_settings import PushSettings, decoded_vapid_key
from config.settings import Settings
from notifier.channels.vapid import VapidKey
from notifier.guests_on import guests_of
from notifier.switched_on import webhook_channel
from store.engine import Database
from wallets.contract_accounts import ContractAccounts
from wallets.contract_entries import WebAuth
from wallets.control import RpcControl
from wallets.prover import Prover

EXPLORERS = {
    "Public Global Stellar Network ; September 2015": "https://stellar.expert/explorer/public",
    "Test SDF Network ; September 2015": "https://stellar.expert/explorer/testnet",
}
_ANSWERS_END_SECONDS = 10  # downloads that are longer than this are cut off when the process stops
_SILENCE_MILLISECONDS = 60_000


class QuietServer(uvicorn.Server):
    """A server that leaves the process's signals and its end alone: roles.py owns them."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; the system itself ends connections whose peer takes nothing, or vanished."""
        await super().startup(sockets)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; what is accepted inherits it
            for listening in self.servers:
                for each in listening.sockets:
                    each.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_MILLISECONDS
                    )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Return where uvicorn would exit the interpreter; it has logged why it cannot start."""
        with contextlib.suppress(SystemExit):
            await super().serve(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def api_role(here: Deployment, database: Database) -> Role:
    """Serve the HTTP interface until stopped."""

    def serve(stop: threading.Event) -> None:
        uvloop.run(_serve(here, database, stop))

    return Role("api", serve)


def sign_in_domain(settings: ApiSettings) -> str:
    """Whom people sign in to: never what a request calls us, which its sender chooses."""
    if settings.public_url is None:
        return f"{settings.host}:{settings.port}"
    return urlsplit(settings.public_url).netloc


def contract_accounts(settings: Settings) -> ContractAccounts | None:
    """What proves contract accounts; None: they cannot sign in here."""
    web_auth = settings.web_auth
    if web_auth.contract_id is None or web_auth.signing_key is None:
        return None
    auth = WebAuth(
        contract_id=web_auth.contract_id,
        signing_key=web_auth.signing_key.get_secret_value(),
        domain=sign_in_domain(settings.api),
        passphrase=settings.network.passphrase,
    )
    seconds = settings.api.challenge_seconds
    return ContractAccounts(auth, _endpoints(settings), seconds=seconds)


def _endpoints(settings: Settings) -> list[str]:
    return [url.get_secret_value() for url in settings.network.rpc_urls]


def _followed(here: Deployment, database: Database) -> tuple[str, ...]:
    with database.read() as conn:
        return tuple(contract.id for contract in contracts_of(here, conn))


def web_push_key(push: PushSettings) -> str | None:
    """The public half of the key that web push is signed with; None: no web push."""
    if push.vapid_key is None:
        return None
    return VapidKey(decoded_vapid_key(push.vapid_key.get_secret_value()), "").public


def _given(here: Deployment, settings: ApiSettings, database: Database) -> ApiDependencies:
    """What the application is made with."""
    return ApiDependencies(
        database=database,
        vault=here.vault,
        network=here.network,
        contracts=_followed(here, database),
        version=version("pausewire"),
        lag_limit_ledgers=here.settings.ingest.lag_limit_ledgers,
        latency_seconds=here.settings.objectives.latency_seconds,
        canary=here.settings.canary.enabled,
        max_limit=settings.max_limit,
        cors_origins=settings.cors_origins,
        metrics_networks=settings.metrics_networks,
        operator_networks=settings.operator_networks,
        callback_networks=settings.callback_networks,
        trusted_proxies=settings.trusted_proxies,
        rate_limits=RateLimits(settings.requests_per_minute, settings.address_requests_per_minute),
        public_badges=settings.public_badges,
        explorer_url=settings.explorer_url or EXPLORERS.get(here.settings.network.passphrase),
        web_push_key=web_push_key(here.settings.push),
        root_path=settings.root_path,
        sandbox_key=here.sandbox_key,
        sandbox_wallet=here.sandbox_wallet,
        domain=sign_in_domain(settings),
        passphrase=here.settings.network.passphrase,
        challenge_seconds=settings.challenge_seconds,
        session_seconds=int(settings.session_hours * 3600),
        read_log_days=settings.read_log_days,
        control=RpcControl(_endpoints(here.settings)),
        prover=Prover(contract_accounts(here.settings)),
        providers=callback_providers(here.settings),
        webhooks=webhook_channel(here.settings),
        guests=guests_of(here.settings),
        callback_url=here.settings.callbacks.base_url or settings.public_url,
        preview=here.settings.environment == "development",
        feed_connections=settings.feed_connections,
        feed_heartbeat_seconds=settings.feed_heartbeat_seconds,
        feed_poll_seconds=settings.feed_poll_seconds,
    )


async def _serve(here: Deployment, database: Database, stop: threading.Event) -> None:
    settings = here.settings.api
    app = create_app(_given(here, settings, database))
    config = uvicorn.Config(
        app,
        http=HttpConnection,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # api/networks.py reads them, from trusted proxies only
        timeout_graceful_shutdown=_ANSWERS_END_SECONDS,
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve())
    while not (stop.is_set() or serving.done()):  # noqa: ASYNC110 # a thread's event cannot be awaited
        await asyncio.sleep(0.1)
    await app.state.feed.close()
    server.should_exit = True
    await serving
