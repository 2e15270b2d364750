"""What one run of the matrix is to be, drawn from its seed: nodes, sources, weather, and what happens.

The same seed draws the same run. What the indexer makes of it also depends on threads: a seed that found a
bug is kept, and finds it again more often than not.
"""

import random
from typing import Final, Literal, NamedTuple

from simulator.faults import Fault, FaultPlan

Lake = Literal["none", "whole", "holes"]
Action = Literal[
    "live",  # ledgers close while the indexer runs
    "outage",  # ledgers close while no indexer runs
    "swap",  # a second indexer comes, the first one goes
    "back",  # a node goes back in time and stands still
    "ahead",  # it goes on
    "shrink",  # a node was restarted with an empty database: its window begins now
    "hide",  # from now on a node hides a share of the events
    "drop",  # a node shows no event of the next ledgers
    "job",  # somebody asks for a range again
    "fork",  # a node follows another chain
    "reset",  # the whole network begins anew; ends the run
]
_WEIGHTS: Final[dict[Action, int]] = {
    "live": 30,
    "outage": 20,
    "swap": 6,
    "back": 6,
    "ahead": 6,
    "shrink": 5,
    "hide": 4,
    "drop": 5,
    "job": 5,
    "fork": 3,
    "reset": 1,
}
_FAULTS: Final = tuple(Fault)
_MOST_STEPS: Final = 7


class Step(NamedTuple):
    """One thing that happens: to which node, and how much of it."""

    action: Action
    node: int
    number: int


class Drawn(NamedTuple):
    """One run. `silent`: the contract changes state without events too. `begins`: ledgers before us."""

    seed: int
    nodes: tuple[FaultPlan, ...]
    cross_check: str
    lake: Lake
    silent: bool
    begins: int
    slice_events: int
    page_limit: int
    margin: int
    steps: tuple[Step, ...]

    @property
    def ends_by_reset(self) -> bool:
        """Whether the network begins anew in the end."""
        return self.steps[-1].action == "reset"


def draw(seed: int) -> Drawn:
    """The run of a seed."""
    dice = random.Random(f"matrix {seed}")
    nodes = tuple(_node(dice, seed) for _ in range(dice.choice((1, 1, 2, 2, 3))))
    return Drawn(
        seed=seed,
        nodes=nodes,
        cross_check=dice.choice(("off", "sample", "always")) if len(nodes) > 1 else "off",
        lake=dice.choices(("none", "whole", "holes"), (5, 3, 1))[0],
        silent=dice.random() < 0.25,
        begins=dice.choice((0, 5, 40)),
        slice_events=dice.choice((1, 3, 1_000)),
        page_limit=dice.choice((5, 20, 1_000)),
        margin=dice.choice((0, 3, 10)),
        steps=_steps(dice, len(nodes)),
    )


def _node(dice: random.Random, seed: int) -> FaultPlan:
    bad = dice.random() < 0.5
    rates = {each: dice.choice((0.02, 0.08)) for each in dice.sample(_FAULTS, 3)} if bad else {}
    return FaultPlan(
        seed=seed * 10 + dice.randrange(10),
        rates=rates,
        retry_after_seconds=0,
        lag_ledgers=dice.choice((1, 5, 20)),
        datastore=dice.random() < 0.25,
        empty_below_retention=dice.random() < 0.4,
        tip_behind=dice.choice((0, 0, 0, 2, 4)),
        retention_ledgers=dice.choice((25, 40, 80, 100_000)),
    )


def _steps(dice: random.Random, nodes: int) -> tuple[Step, ...]:
    """Begins with following; a reset is the last step."""
    steps = [Step("live", 0, dice.randrange(3, 20))]
    actions, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    for _ in range(dice.randrange(2, _MOST_STEPS)):
        action = dice.choices(actions, weights)[0]
        most = 90 if action in ("outage", "back") else 20
        steps.append(Step(action, dice.randrange(nodes), dice.randrange(1, most)))
        if action == "reset":
            break
    return tuple(steps)
