"""A simulated RPC node over a chain that stands still, on a free port, and our endpoint to it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

import simulator.node
from ingest.ledgers.endpoint import Admit, LedgersEndpoint
from ingest.pins import Identity, PassphraseOnly
from ingest.rpc import RpcEndpoint
from ingest.transport import HttpTransport
from simulator.chain import Chain
from simulator.faults import FaultPlan
from simulator.rpc_methods import Methods
from simulator.rpc_server import rpc_application
from simulator.scenario import build

PASSPHRASE = "Pausewire Test Network ; 2026"


def built_chain(
    *, events: int = 200, seed: int = 1, scenario: str = "burst", **options: Any
) -> Chain:
    """A chain on which a scenario has played to its end, five chain seconds a ledger, until now."""
    chain = Chain(
        seed=seed, streams=6, passphrase=PASSPHRASE, genesis_at=int(time.time()) - 10_000, **options
    )
    build(chain, scenario=scenario, seed=seed, events=events, closed_at=int(time.time()) - 9_000)
    return chain


def admitted_by(identity: Identity, rpc: RpcEndpoint) -> Admit:
    """An endpoint is believed that proves this identity."""

    async def admit(_latest_ledger: int) -> None:
        await identity.check(rpc)

    return admit


class Node(NamedTuple):
    """The chain, and both ways to read it."""

    chain: Chain
    url: str
    events: RpcEndpoint
    ledgers: LedgersEndpoint


@asynccontextmanager
async def node(chain: Chain, plan: FaultPlan | None = None) -> AsyncIterator[Node]:
    """Serve a chain, whose newest ledger closes now: an old one is unhealthy."""
    chain.close_ledger([], int(time.time()))
    simulated = simulator.node.Node(chain, plan or FaultPlan())
    methods = Methods(simulated, passphrase=PASSPHRASE, max_page=10_000)
    application = rpc_application(methods, simulated.weather)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as session:
            rpc = RpcEndpoint(HttpTransport(session, url, timeout_seconds=10))
            yield Node(
                chain,
                url,
                rpc,
                LedgersEndpoint(rpc, admit=admitted_by(PassphraseOnly(PASSPHRASE), rpc)),
            )
    finally:
        await runner.cleanup()
