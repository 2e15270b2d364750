"""Where past ledgers are read: the endpoints' events, then their ledgers, then the data lake."""

from collections.abc import Callable, Sequence
from functools import partial

from config.settings import Settings
from ingest.endpoints import EndpointPool
from ingest.ladder import Ladder, Rung
from ingest.ledgers.endpoint import LedgersEndpoint
from ingest.ledgers.lake import LedgerLake
from ingest.pins import Pin
from ingest.rpc import RpcEndpoint


def past_ledgers(
    settings: Settings, rpc: EndpointPool, pins: Callable[[], Sequence[Pin]]
) -> Ladder:
    """The sources of jobs, in the order in which they are asked.

    `rpc`: the pool that is followed; its endpoints' budgets hold for their ledgers too, and what is known
    of their chain. `pins`: ledgers that a data lake must hold as we know them.
    """
    rungs = [Rung("getEvents", rpc)]
    for each in rpc.endpoints:
        ledgers = LedgersEndpoint(RpcEndpoint(each.transport), admit=partial(rpc.admit, each))
        rungs.append(Rung(ledgers.name, ledgers))
    if settings.network.lake_url is not None:
        lake = LedgerLake(
            settings.network.lake_url,
            passphrase=settings.network.passphrase,
            timeout_seconds=settings.ingest.request_timeout_seconds,
            pins=pins,
        )
        rungs.append(Rung(lake.name, lake))
    return Ladder(rungs)
