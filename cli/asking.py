"""Asking the chain from a command: the configured endpoints, a contract's events, faults in a line."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp

from cli.output import FAILED, refuse
from config.settings import Settings
from ingest.backoff import Backoff
from ingest.cross_check import CrossCheck
from ingest.decode import ContractEvent
from ingest.endpoint import Endpoint
from ingest.endpoints import EndpointPool
from ingest.errors import IngestError, Transient
from ingest.metered import MeteredTransport
from ingest.patience import wait_out
from ingest.pins import Identity, PassphraseOnly
from ingest.rpc import caught_up
from ingest.transport import HttpTransport

T = TypeVar("T")


@asynccontextmanager
async def endpoints(
    settings: Settings, identity: Identity | None = None
) -> AsyncIterator[EndpointPool]:
    """The endpoints behind one face, on one HTTP session.

    `identity`: what each of them must prove; default: the network's name.
    """
    mode = settings.network.cross_check
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield EndpointPool(
            [Endpoint.of(transport) for transport in transports(session, settings)],
            identity=identity or PassphraseOnly(settings.network.passphrase),
            cross_check=None if mode == "off" else CrossCheck(mode),
        )


def transports(
    session: aiohttp.ClientSession, settings: Settings, *, timeout_seconds: float | None = None
) -> list[MeteredTransport]:
    """One per configured URL, each with a name and a budget of its own."""
    made: list[MeteredTransport] = []
    for url in settings.network.rpc_urls:
        plain = HttpTransport(
            session,
            url.get_secret_value(),
            timeout_seconds=timeout_seconds or settings.ingest.request_timeout_seconds,
        )
        taken = sum(each.name.partition(" #")[0] == plain.name for each in made)
        if taken:
            plain.name = f"{plain.name} #{taken + 1}"
        made.append(MeteredTransport(plain, settings.network.requests_per_minute))
    return made


async def events_of(
    settings: Settings, contract_id: str, start_ledger: int, *, follow: bool
) -> AsyncIterator[ContractEvent]:
    """A contract's events from a ledger on, as the RPC tells them, up to the newest ledger.

    `follow`: then for ever, through bad weather. Raises IngestError.
    """
    cursor: str | None = None
    backoff = Backoff()
    limit = settings.ingest.page_limit
    async with endpoints(settings) as rpc:
        while True:
            try:
                page = await rpc.fetch_page(
                    contracts=[contract_id], cursor=cursor, start_ledger=start_ledger, limit=limit
                )
            except Transient as trouble:
                if not follow:
                    raise
                await wait_out(trouble, backoff)
                continue
            backoff.reset()
            cursor = page.cursor
            for event in page.events:
                yield event
            if caught_up(page, limit):
                if not follow:
                    return
                await asyncio.sleep(settings.ingest.poll_seconds)


def ask(question: Coroutine[None, None, T]) -> T:
    """Run a command's question; what the chain refuses ends the command with its reason."""
    try:
        return asyncio.run(question)
    except IngestError as error:
        refuse(str(error), code=FAILED)
