"""The chain of one run and its nodes, served over HTTP from one event loop that all runs share.

The chain moves when the run says so; each of its ledgers takes five seconds of its own time.
"""

import asyncio
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from simulator import scval
from simulator.accounts import contract_id_for, wasm_hash_for
from simulator.calls import Call
from simulator.chain import FIRST_LEDGER, REAL_LEDGER_SECONDS, Chain
from simulator.faults import Dropped
from simulator.lake import LakeWriter
from simulator.ledger import ContractEvent
from simulator.node import Node
from simulator.rpc_methods import Methods
from simulator.rpc_server import rpc_application
from simulator.scripted import emission
from simulator.serving import serve
from tests.e2e.matrix.drawn import Drawn

PASSPHRASE: Final = "Pausewire Matrix ; 2026"
STREAMS: Final = 4
_PAST_SECONDS: Final = 20_000
_DEPOSIT: Final = 10**12
_RATE: Final = 1_000
_EMPTY_MAP: Final = "AAAAEQAAAAEAAAAA"
_VOID: Final = "AAAAAQ=="
_NOBODY_KNOWS: Final = "something"
T = TypeVar("T")


class Servers:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def wait(self, coroutine: Any) -> Any:
        """What a coroutine gives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def call(self, act: Callable[[], T]) -> T:
        """What a function gives there, between two requests."""

        async def acting() -> T:
            return act()

        found: T = self.wait(acting())
        return found

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class World:
    """What really happens in one run, and how its nodes tell it."""

    def __init__(self, drawn: Drawn, folder: Path, servers: Servers) -> None:
        self.drawn = drawn
        self.lake_folder = folder / "lake"
        self._servers = servers
        self._dice = random.Random(f"world {drawn.seed}")
        self._odd_dice = random.Random(f"odd world {drawn.seed}")
        self.chain = self._new_chain(int(time.time()) - _PAST_SECONDS)
        self.other = contract_id_for(drawn.seed, "other")
        self.contracts = (self.chain.cast.contract_id, self.other)
        self.nodes = [Node(self.chain, plan) for plan in drawn.nodes]
        self.lied_about: set[str] = set()  # not shown by some node
        self.altered: set[str] = set()  # told with other bytes by some node
        self.archived: set[int] = set()  # streams
        self._to_come: list[list[Call]] = []
        self.forked: set[int] = set()
        self.broken: set[int] = set()  # ledgers whose object in the lake does not read
        self._lake = None
        if drawn.lake != "none":
            self._lake = LakeWriter(self.lake_folder, passphrase=PASSPHRASE)
        self._setting_up = AsyncExitStack()
        servers.wait(self._serve())
        self._create()

    def _new_chain(self, genesis_at: int) -> Chain:
        return Chain(
            seed=self.drawn.seed, streams=STREAMS, passphrase=PASSPHRASE, genesis_at=genesis_at
        )

    async def _serve(self) -> None:
        for node in self.nodes:
            methods = Methods(
                node, passphrase=PASSPHRASE, max_page=10_000, clock=partial(self._now, node)
            )
            port = await serve(
                self._setting_up, rpc_application(methods, node.weather), "127.0.0.1", 0
            )
            node.url = f"http://127.0.0.1:{port}"

    @staticmethod
    def _now(node: Node) -> float:
        return node.chain.latest.closed_at + 1

    def close(self) -> None:
        """Serve no more."""
        self._servers.wait(self._setting_up.aclose())
        shutil.rmtree(self.lake_folder, ignore_errors=True)

    @property
    def latest(self) -> int:
        """The newest ledger."""
        return self.chain.latest.sequence

    def happened(self, contract_id: str) -> dict[str, ContractEvent]:
        """All events of a contract, by id."""
        events = self._servers.call(lambda: list(self.chain.events))
        return {each.event_id: each for each in events if each.contract_id == contract_id}

    @property
    def has_no_true_node(self) -> bool:
        """Whether every node follows another chain."""
        return len(self.forked) == len(self.nodes)

    def go_on(self, ledgers: int) -> None:
        """So many ledgers close."""
        for _ in range(ledgers):
            self._servers.call(self._close_ledger)

    def _create(self) -> None:
        cast = self.chain.cast
        terms = (cast.token_id, _DEPOSIT, _RATE, 0)
        calls = [
            [Call("create_stream", (cast.employer_of(n), cast.employees[n], *terms))]
            for n in range(STREAMS)
        ]
        at = self.chain.latest.closed_at + REAL_LEDGER_SECONDS
        self._servers.call(lambda: self.chain.close_ledger(calls, at))
        self._note_lies(self.chain.events)
        self.go_on(self.drawn.begins)

    def _close_ledger(self) -> None:
        before = len(self.chain.events)
        calls = [[self._move()] for _ in range(self._dice.choice((0, 0, 1, 1, 2, 4)))]
        calls, self._to_come = [*calls, *self._to_come], []
        self.chain.close_ledger(calls, self.chain.latest.closed_at + REAL_LEDGER_SECONDS)
        self._note_lies(self.chain.events[before:])
        for node in self.nodes:
            if node.chain is not self.chain:
                node.chain.close_ledger([], self.chain.latest.closed_at)
        if self._lake is not None:
            self._lake.write(self.chain)
            if self.drawn.lake == "holes" and self._dice.random() < 0.1:
                for newest in self.lake_folder.glob(f"*/*--{self.latest}.xdr.zst"):
                    newest.unlink()
            if self._odd_dice.random() < self.drawn.broken:
                self._break_newest_object()

    def _break_newest_object(self) -> None:
        """Cut short, or of bytes that are no zstd."""
        for newest in self.lake_folder.glob(f"*/*--{self.latest}.xdr.zst"):
            whole = newest.read_bytes()
            newest.write_bytes(self._odd_dice.choice((whole[: len(whole) // 2], whole[::-1], b"")))
            self.broken.add(self.latest)

    def _move(self) -> Call:
        """Something that somebody tries; the contract may refuse it."""
        cast, dice = self.chain.cast, self._dice
        number = dice.randrange(STREAMS)
        employer, stream = cast.employer_of(number), number + 1
        moves = [
            *[Call("pause_stream", (employer, stream))] * 4,
            *[Call("resume_stream", (employer, stream))] * 4,
            Call("withdraw", (cast.employees[number], stream)),
            Call("top_up", (employer, stream, 10_000_000)),
            Call("set_delegate", (employer, stream, cast.treasury)),
            Call("pause_contract", (cast.admin,)),
            *[Call("unpause_contract", (cast.admin,))] * 2,
            emission(cast.admin, self.other, [scval.symbol_topic("paused")], _EMPTY_MAP),
            emission(cast.admin, self.other, [scval.symbol_topic("unpaused")], _EMPTY_MAP),
            emission(cast.admin, self.other, [scval.symbol_topic(_NOBODY_KNOWS)], _VOID),
        ]
        if self.drawn.upgrades and self._odd_dice.random() < 0.1:
            code = wasm_hash_for(self.drawn.seed, self._odd_dice.randrange(1, 4))
            return Call("upgrade", (cast.admin, code))
        if self.drawn.silent:
            moves += [
                Call("multisig_emergency_pause", (cast.admin,)),
                Call("pause_silently", (employer, stream)),
                Call("resume_silently", (employer, stream)),
            ]
        return dice.choice(moves)

    def _note_lies(self, events: Iterable[ContractEvent]) -> None:
        for event in events:
            if any(node.weather.conceals(event) for node in self.nodes):
                self.lied_about.add(event.event_id)
            if any(node.weather.alters(event.event_id) for node in self.nodes):
                self.altered.add(event.event_id)

    def liars_about(self, event: ContractEvent) -> list[int]:
        """The nodes that do not tell an event as it was."""
        return [
            place
            for place, node in enumerate(self.nodes)
            if node.weather.conceals(event) or node.weather.alters(event.event_id)
        ]

    def archive(self, stream: int) -> None:
        """After the next ledger the entries of a stream have outlived their time."""
        self._to_come.append([Call("end_life", (self.chain.cast.admin, stream, 0))])
        self.archived.add(stream)

    def statuses(self) -> dict[int, str]:
        """What each stream is, by its number."""
        state = self._servers.call(lambda: dict(self.chain.contract.state.streams))
        return {number: str(stream.status) for number, stream in state.items()}

    # what nodes do

    def change(self, node: int, **changes: Any) -> None:
        """Another plan for a node, from its next request on."""
        weather = self.nodes[node].weather
        weather.plan = msgspec.structs.replace(weather.plan, **changes)

    def go_back(self, node: int, ledgers: int) -> None:
        """The node shows older ledgers, and stands still."""
        self.nodes[node].stopped_at = max(FIRST_LEDGER, self.latest - ledgers)

    def shrink(self, node: int) -> None:
        """Its window begins with the newest ledgers."""
        self.nodes[node].retention_ledgers = 5

    def hide(self, node: int) -> None:
        """It shows some events no more, of whatever ledger."""
        self.change(node, hidden_events=0.3)
        self._servers.call(lambda: self._note_lies(self.chain.events))

    def drop(self, node: int, ledgers: int) -> None:
        """It shows no event of the ledgers to come."""
        weather = self.nodes[node].weather
        weather.concealed = (*weather.concealed, Dropped(self.latest + 1, self.latest + ledgers))

    def fork(self, node: int) -> None:
        """It follows another chain, with a window that holds what it must prove itself by."""
        if len(self.forked | {node}) < len(self.nodes):
            self._set_on_another_chain(node)

    def _set_on_another_chain(self, node: int) -> None:
        self.forked.add(node)
        other = Chain(
            seed=self.drawn.seed + 1_000_000,
            streams=STREAMS,
            passphrase=PASSPHRASE,
            genesis_at=self.chain.oldest.closed_at + 1,
        )
        while other.latest.sequence < self.latest:
            other.close_ledger([], self.chain.latest.closed_at)
        self.nodes[node].retention_ledgers = None
        self._servers.call(lambda: setattr(self.nodes[node], "chain", other))

    def switch(self, node: int) -> bool:
        """The same while it is followed, also where it is alone; False where it is the last true one."""
        if len(self.nodes) > 1:
            self.fork(node)
            return node in self.forked
        self._set_on_another_chain(node)
        return True

    def reset(self, ledgers: int) -> None:
        """The network begins anew, and is followed by every node."""
        anew = self._new_chain(self.chain.latest.closed_at + 1)
        cast = anew.cast
        terms = (cast.employer_of(0), cast.employees[0], cast.token_id, _DEPOSIT, _RATE, 0)
        anew.close_ledger([[Call("create_stream", terms)]], anew.latest.closed_at + 5)
        for _ in range(ledgers):
            calls = [[Call("pause_stream", (cast.employer_of(0), 1))]]
            anew.close_ledger(calls, anew.latest.closed_at + REAL_LEDGER_SECONDS)

        def begin() -> None:
            for node in self.nodes:
                node.chain = anew
                node.stopped_at = None
                node.behind = 0

        self._servers.call(begin)

    def calm(self) -> None:
        """Good weather: everybody answers and stands at the tip. Liars lie on, forks stay forks."""
        for place, node in enumerate(self.nodes):
            self.change(place, rates={})
            node.stopped_at = None
            node.behind = 0

    def be_plain(self) -> None:
        """Nothing that is told of the nodes themselves is odd any more."""
        for place in range(len(self.nodes)):
            self.change(place, oddities={})

    def has_of(self, first: int, last: int) -> bool:
        """Whether a source can tell of the first of some ledgers, or a node of any of them."""
        true_nodes = [each for place, each in enumerate(self.nodes) if place not in self.forked]
        for node in true_nodes:
            if node.oldest.sequence <= last or node.weather.plan.datastore:
                return True
        return any(
            each not in self.broken and any(self.lake_folder.glob(f"*/*--{each}.xdr.zst"))
            for each in range(first, last + 1)
        )


@contextmanager
def served() -> Iterator[Servers]:
    """Servers for the length of the block."""
    servers = Servers()
    try:
        yield servers
    finally:
        servers.close()
