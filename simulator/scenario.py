"""Scenarios: what happens on the simulated contract, ledger by ledger, decided by a seed.

A scenario looks at the contract as it is and makes legal moves, so it goes on after a restart as if
nothing had been, and can even take over a chain that another scenario began.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.chain import REAL_LEDGER_SECONDS, Chain, LedgerDraft
from simulator.errors import SimulatorError
from simulator.scene import Move, Scene
from simulator.state import Status, Stream

CREATED_PER_LEDGER = 300
BURST_EVENTS_PER_LEDGER = 400
HISTORY_EVENTS_PER_LEDGER = 250
SILENT_LEDGERS = 1_000
# pause, cancel, create and its fee: with less to go, an ended stream could not be replaced
MOST_EVENTS_OF_A_MOVE = 4

# Relative weights of what else happens beside pausing and resuming.
_OTHER_MOVES: tuple[tuple[Move, int], ...] = (
    (Scene.withdraw, 10),
    (Scene.top_up, 6),
    (Scene.change_rate, 4),
    (Scene.transfer, 3),
    (Scene.hand_over, 3),
    (Scene.delegate, 4),
    (Scene.cancel_while_paused, 3),
    (Scene.reclaim, 6),
    (Scene.stop_contract, 3),
    (Scene.upgrade, 1),
    (Scene.govern, 2),
)


def _other_move(scene: Scene, stream: Stream) -> None:
    if scene.remaining is None or scene.remaining >= MOST_EVENTS_OF_A_MOVE:
        moves, weights = zip(*_OTHER_MOVES, strict=True)
        move: Move = scene.rng.choices(moves, weights)[0]
        move(scene, stream)


def _create_everyone(scene: Scene) -> bool:
    """One stream per employee; True in the ledgers that still had to create some."""
    return scene.create_missing(len(scene.cast.employees), CREATED_PER_LEDGER)


def steady(scene: Scene) -> None:
    """The pace of people: the first stream pauses in the second ledger, then something in every other."""
    if _create_everyone(scene):
        return
    if scene.offset == 1:
        scene.toggle(scene.stream(1))
        return
    if scene.contract_paused and scene.rng.random() < 0.4:
        scene.start_contract()
        return
    stream = scene.someone()
    if stream is None:
        return
    if scene.rng.random() < 0.35:
        scene.toggle(stream)
    elif scene.rng.random() < 0.25:
        _other_move(scene, stream)


def burst(scene: Scene) -> None:
    """As much as fits: hundreds of events a ledger, streams that flap, extremes of every number."""
    # at most an eighth of what may be emitted goes into creating streams
    allowed = scene.remaining is None or scene.streams_created * 7 < scene.remaining
    if allowed and _create_everyone(scene):
        scene.import_extremes()
    while scene.remaining != 0 and scene.emitted < BURST_EVENTS_PER_LEDGER:
        if scene.contract_paused and scene.rng.random() < 0.2:
            scene.start_contract()
            continue
        stream = scene.someone()
        if stream is None:
            return
        if scene.rng.random() < 0.15:
            _other_move(scene, stream)
        else:
            times = scene.rng.choices((1, 2, 3, 5), (80, 8, 8, 4))[0]
            scene.toggle(stream, times if scene.remaining is None else min(times, scene.remaining))


def never_paused(scene: Scene) -> None:
    """Money moves, nobody stops it."""
    if _create_everyone(scene):
        return
    stream = scene.any_live()
    if stream is not None and scene.offset % 3 == 0 and not scene.withdraw(stream):
        scene.top_up(stream)


def paused_now(scene: Scene) -> None:
    """Every stream is paused, and stays so."""
    _pause_all(scene)


def _pause_all(scene: Scene) -> bool:
    if _create_everyone(scene):
        return False
    active = scene.all_with(Status.ACTIVE)
    for stream in active:
        scene.toggle(stream)
    return not active


def cancelled_while_paused(scene: Scene) -> None:
    """Every stream is paused, then cancelled without a resume."""
    if not _pause_all(scene):
        return
    for stream in scene.all_with(Status.PAUSED):
        scene.cancel(stream)


def flapping(scene: Scene) -> None:
    """The first stream changes three times in one operation, ledger after ledger."""
    if not _create_everyone(scene):
        scene.toggle(scene.stream(1), 3 if scene.remaining is None else min(3, scene.remaining))


def long_history(scene: Scene) -> None:
    """The first stream is paused and resumed until the events run out."""
    if _create_everyone(scene):
        return
    while scene.remaining != 0 and scene.emitted < HISTORY_EVENTS_PER_LEDGER:
        scene.toggle(scene.stream(1))


def quiet(scene: Scene) -> None:
    """The streams exist; whoever runs the network decides what happens to them."""
    _create_everyone(scene)


class Scenario(NamedTuple):
    """A script, and how the chain and its nodes stand when it is met for the first time.

    `default_events`: contract events it stops after when nobody says; None = never. `past_ledgers`:
    ledgers that have closed before the network starts, a real ledger's time apart. `kept_ledgers`: what
    the nodes still have; None = as the options say. `silent_after`: ledgers after the start, then the nodes
    show no other.
    """

    script: Callable[[Scene], None]
    default_events: int | None = None
    past_ledgers: int = 0
    kept_ledgers: int | None = None
    silent_after: int | None = None


SCENARIOS: Mapping[str, Scenario] = {
    "steady": Scenario(steady),
    "burst": Scenario(burst, 1_000),
    "never-paused": Scenario(never_paused),
    "paused-now": Scenario(paused_now),
    "flapping": Scenario(flapping),
    "cancelled-while-paused": Scenario(cancelled_while_paused),
    "ten-thousand-events": Scenario(long_history, 10_000),
    # what happened before the nodes' window is lost to whoever begins to follow now
    "gap": Scenario(steady, past_ledgers=600, kept_ledgers=240),
    "stale": Scenario(steady, past_ledgers=120, silent_after=10),
    "quiet": Scenario(quiet),
}


def scenario_named(name: str) -> Scenario:
    """Raises SimulatorError when there is no such scenario."""
    if name not in SCENARIOS:
        raise SimulatorError(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


class Director:
    """Plays one scenario on a chain."""

    def __init__(self, chain: Chain, *, scenario: str, seed: int, events: int | None) -> None:
        """Raises SimulatorError when there is no such scenario."""
        played = scenario_named(scenario)
        self._script = played.script
        self._events = played.default_events if events is None else events
        self._chain = chain
        self._seed = seed

    @property
    def remaining(self) -> int | None:
        """Contract events still to come; None = no end."""
        if self._events is None:
            return None
        return max(0, self._events - self._chain.contract_event_count)

    def play(self, draft: LedgerDraft) -> None:
        """Let the scenario act in the ledger being closed."""
        remaining = self.remaining
        if remaining is not None:
            remaining -= draft.contract_events
        if remaining is None or remaining > 0:
            self._script(Scene(draft, self._chain.cast, self._seed, remaining))


def build(chain: Chain, *, scenario: str, seed: int, events: int, closed_at: int) -> None:
    """Play a bounded scenario to its end at once, a ledger every five seconds of chain time.

    Raises SimulatorError when the scenario falls silent before that many events.
    """
    director = Director(chain, scenario=scenario, seed=seed, events=events)
    silent = 0
    while director.remaining:
        draft = chain.open_ledger(closed_at)
        director.play(draft)
        chain.close(draft)
        closed_at += REAL_LEDGER_SECONDS
        silent = 0 if draft.contract_events else silent + 1
        if silent > SILENT_LEDGERS:
            raise SimulatorError(f"{scenario!r} stopped {director.remaining} events short")
