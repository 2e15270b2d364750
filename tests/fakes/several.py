"""A pool of fake nodes with a clock that moves by hand."""

from ingest.cross_check import CrossCheck
from ingest.cursors import window_end
from ingest.endpoint import Endpoint
from ingest.endpoints import EndpointPool
from ingest.metered import MeteredTransport
from ingest.pins import ChainIdentity
from tests.fakes import chain
from tests.fakes.fake_rpc import PASSPHRASE, FakeRpc


class Several:
    """A pool of fake nodes with a clock that moves by hand."""

    def __init__(self, *, pins=None, given=None, check=None, per_minute=None, **nodes):
        self.now = 0.0
        self.nodes = [FakeRpc(**node) for node in nodes.values()]
        for name, node in zip(nodes, self.nodes, strict=True):
            node.name = name
        self.endpoints = [
            Endpoint.of(MeteredTransport(node, per_minute, self.clock)) for node in self.nodes
        ]
        identity = None
        if pins is not None or given is not None:
            identity = ChainIdentity(PASSPHRASE, given, lambda: pins or [])
        checking = None if check is None else CrossCheck(check)
        self.pool = EndpointPool(
            self.endpoints, identity=identity, cross_check=checking, clock=self.clock
        )

    def clock(self):
        return self.now

    async def question(self, rpc):
        """What `fetch` asks, of one endpoint."""
        return await rpc.fetch_page(
            contracts=[chain.CONTRACT], cursor=window_end(50), start_ledger=None, limit=9
        )

    async def fetch(self, cursor=None):
        return await self.pool.fetch_page(
            contracts=[chain.CONTRACT], cursor=cursor or window_end(50), start_ledger=None, limit=9
        )

    def asked(self):
        """How many getEvents each node has been asked."""
        return [
            sum(request["method"] == "getEvents" for request in node.requests)
            for node in self.nodes
        ]
