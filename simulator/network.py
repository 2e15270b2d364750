"""The simulated network as one thing to start: the chain on the wall clock, its RPC, the catchers.

`SimulatedNetwork` lives on the caller's event loop; `running` gives it a thread and a loop of its own.
"""

import asyncio
import collections
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from simulator.accounts import Cast, contract_id_for
from simulator.calls import Call
from simulator.catchers.application import CHANNELS, web_application
from simulator.catchers.caught import Caught
from simulator.catchers.mail import serve_mail
from simulator.catchers.moods import Moods
from simulator.chain import FIRST_LEDGER, Chain
from simulator.chain_file import FILE_NAME as CHAIN_FILE
from simulator.faults import Concealed, Dropped, FaultPlan
from simulator.lake import LakeWriter
from simulator.node import Node
from simulator.opening import open_chain, set_up
from simulator.options import SimulatorOptions
from simulator.resetting import Resetting
from simulator.rpc_methods import Methods
from simulator.rpc_server import rpc_application
from simulator.serving import serve

START_SECONDS = 60
STOP_SECONDS = 15
PORTS_APART = 100


class SimulatedNetwork:
    """Start it, use its URLs, stop it; the next start on the same folder goes on from there."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.contract_id = contract_id_for(options.seed)
        self.cast = Cast.of(options.seed, options.streams)
        self.first_ledger, self.truth_path = FIRST_LEDGER, options.state_dir / "truth.ndjson"
        self.roster_path = options.state_dir / "roster.csv"
        self.rpc_url = ""
        self.nodes: list[Node] = []
        self.web_url = ""
        self.smtp_port = options.smtp_port
        self._submitted: collections.deque[Sequence[Call]] = collections.deque()
        self._asked: collections.deque[Callable[[], None]] = collections.deque()
        self._forks: list[Chain] = []
        self._cleanup = contextlib.AsyncExitStack()
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind, resume the chain, close the next ledger now. Raises SimulatorError, OSError."""
        options = self.options
        plan = options.faults
        if not isinstance(plan, FaultPlan):
            plan = FaultPlan() if plan is None else FaultPlan.read(plan)
        async with contextlib.AsyncExitStack() as cleanup:
            self._chain, self._director = open_chain(options, int(time.time()))
            cleanup.callback(self._shut)
            self.roster_path.write_text(self.cast.roster(), "utf-8")
            self.nodes = [Node(self._chain, plan.of_node(place)) for place in range(options.nodes)]
            for place, node in enumerate(self.nodes):
                await self._start_node(cleanup, place, node)
            self.rpc_url = self.nodes[0].url
            await self._start_catchers(cleanup)
            self._closing = asyncio.create_task(self._close_ledgers())
            self._cleanup = cleanup.pop_all()

    async def stop(self) -> None:
        """Close everything. Raises what ended the closing of ledgers, if that did end."""
        closing, self._closing = self._closing, None
        if closing is not None:
            closing.cancel()
        await self._cleanup.aclose()
        if closing is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await closing

    async def wait(self) -> None:
        """Until ledgers can no longer be closed; raises why."""
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def conceal(self, *events: Concealed | Dropped) -> None:
        """From now on hide exactly these events from every reader; may be called from any thread."""
        for node in self.nodes:
            node.weather.concealed = events

    def submit(self, *calls: Call) -> None:
        """Put a transaction into the next ledger; may be called from any thread."""
        self._submitted.append(calls)

    @property
    def rpc_urls(self) -> list[str]:
        """Of all nodes, in their order."""
        return [node.url for node in self.nodes]

    def reset(self, scenario: str | None = None) -> None:
        """Begin anew with the next ledger, as a test network does: same passphrase, another genesis.

        What was is kept as `chain.ndjson.before`. `scenario`: another one from then on. May be called
        from any thread.
        """
        options = self.options
        if scenario is not None:
            self.options = options = dataclasses.replace(options, scenario=scenario)
        self._asked.append(lambda: self._reset(options))

    def fork(self, node: Node) -> None:
        """Have a node follow another chain of the same passphrase; may be called from any thread."""
        self._asked.append(lambda: self._fork(node))

    def _reset(self, options: SimulatorOptions) -> None:
        before = self._chain
        before.shut()
        chain_file = self.options.state_dir / CHAIN_FILE
        chain_file.replace(chain_file.with_suffix(".ndjson.before"))
        # a second later, so that it differs even from a chain that began just now
        self._chain, self._director = open_chain(options, int(time.time()) + 1)
        for node in self.nodes:
            if node.chain is before:
                node.chain = self._chain
                set_up(node, options)

    def _fork(self, node: Node) -> None:
        options = self.options
        other = Chain(
            seed=options.seed + 1,
            streams=options.streams,
            passphrase=options.passphrase,
            genesis_at=self._chain.oldest.closed_at + 1,
            retention_ledgers=options.retention_ledgers,
        )
        while other.latest.sequence < self._chain.latest.sequence:
            other.close_ledger([], self._chain.latest.closed_at)
        self._forks.append(other)
        node.chain = other

    def _shut(self) -> None:
        self._chain.shut()

    async def _start_node(self, cleanup: contextlib.AsyncExitStack, place: int, node: Node) -> None:
        options = self.options
        set_up(node, options)
        methods = Methods(node, passphrase=options.passphrase, max_page=options.max_page)
        port = options.rpc_port and options.rpc_port + place * PORTS_APART
        port = await serve(cleanup, rpc_application(methods, node.weather), options.host, port)
        node.url = f"http://{options.host}:{port}"

    def _open_lake(self, chain: Chain) -> LakeWriter | None:
        """The data lake, with all that has closed so far in it."""
        if self.options.lake is None:
            return None
        lake = LakeWriter(self.options.lake, passphrase=self.options.passphrase)
        lake.write(chain)
        return lake

    async def _start_catchers(self, cleanup: contextlib.AsyncExitStack) -> None:
        options = self.options
        records = {
            channel: cleanup.enter_context(
                contextlib.closing(Caught(options.state_dir / f"{channel}.ndjson"))
            )
            for channel in CHANNELS
        }
        resetting = Resetting(lambda: self.options.scenario, options.on_reset or self.reset)
        moods = None if options.moods is None else Moods(options.moods)
        web = web_application(records, resetting, words_url=options.words_url, moods=moods)
        web_port = await serve(cleanup, web, options.host, options.web_port)
        self.web_url = f"http://{options.host}:{web_port}"
        mail = await serve_mail(records["mail"], options.host, options.smtp_port, moods)
        cleanup.callback(mail.close)
        self.smtp_port = int(mail.sockets[0].getsockname()[1])

    async def _close_ledgers(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        lake = self._open_lake(self._chain)
        while True:
            while self._asked:
                self._asked.popleft()()
            now = int(time.time())
            draft = self._chain.open_ledger(now)
            while self._submitted:
                draft.submit(*self._submitted.popleft())
            self._director.play(draft)
            self._chain.close(draft)
            if lake is not None:
                lake.write(self._chain)
            for other in self._forks:
                other.close_ledger([], now)
            # after a stall the pace begins anew: lost time is not made up by a rush of ledgers
            due = max(due + self.options.ledger_seconds, loop.time())
            await asyncio.sleep(due - loop.time())


@contextlib.contextmanager
def running(options: SimulatorOptions) -> Iterator[SimulatedNetwork]:
    """Run the network on its own thread for the length of the block. Raises what start raises."""
    network = SimulatedNetwork(options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(network.start(), loop).result(START_SECONDS)
        try:
            yield network
        finally:
            asyncio.run_coroutine_threadsafe(network.stop(), loop).result(STOP_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_SECONDS)
        loop.close()
