"""What one run of the matrix is to be, drawn from its seed: nodes, sources, weather, and what happens.

The same seed draws the same run. What the indexer makes of it also depends on threads: a seed that found a
bug is kept, and finds it again more often than not. From seed 10,000 on nodes are odd as well, some are
switched to another chain while they are followed, objects of the lake are broken, and code is replaced.
From seed 20,000 on one of several nodes is two-faced, entries of the contract are archived, and no run
ends early.
"""

import random
from typing import Final, Literal, NamedTuple

import msgspec

from simulator.faults import Fault, FaultPlan
from simulator.oddities import Oddity

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
    "archive",  # the entries of a stream have outlived their time
    "switch",  # a node follows another chain while it is followed itself; ends the run where it is alone
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
ODD_FROM: Final = 10_000
TWO_FACED_FROM: Final = 20_000


class Step(NamedTuple):
    """One thing that happens: to which node, and how much of it."""

    action: Action
    node: int
    number: int


class Drawn(NamedTuple):
    """One run. `silent`: the contract changes state without events too. `begins`: ledgers before us.

    `broken`: share of the lake's objects that do not read. `upgrades`: whether code is replaced.
    `two_faced`: whether one node tells other than the others, which is looked for in the end.
    """

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
    broken: float = 0.0
    upgrades: bool = False
    two_faced: bool = False

    @property
    def ends_by_reset(self) -> bool:
        """Whether the network begins anew in the end."""
        return self.steps[-1].action == "reset"


def draw(seed: int) -> Drawn:
    """The run of a seed."""
    dice = random.Random(f"matrix {seed}")
    nodes = tuple(_node(dice, seed) for _ in range(dice.choice((1, 1, 2, 2, 3))))
    drawn = Drawn(
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
    if seed < ODD_FROM:
        return drawn
    odd = _made_odd(drawn)
    return odd if seed < TWO_FACED_FROM else _made_two_faced(odd)


def _made_odd(drawn: Drawn) -> Drawn:
    """The same, and what is odd: drawn apart, so that older seeds stay what they were."""
    dice = random.Random(f"odd matrix {drawn.seed}")
    nodes = [
        msgspec.structs.replace(
            plan,
            oddities={
                each: dice.choice((0.02, 0.1, 0.25)) for each in dice.sample(tuple(Oddity), 3)
            },
        )
        for plan in drawn.nodes
    ]
    steps = list(drawn.steps)
    if not drawn.ends_by_reset and dice.random() < 0.3:
        place = dice.randrange(1, len(steps) + 1)
        steps.insert(place, Step("switch", dice.randrange(len(nodes)), dice.randrange(1, 20)))
        steps = steps if len(nodes) > 1 else steps[: place + 1]
    return drawn._replace(
        nodes=tuple(nodes),
        steps=tuple(steps),
        broken=dice.choice((0.0, 0.0, 0.1)) if drawn.lake != "none" else 0.0,
        upgrades=dice.random() < 0.3,
    )


def _made_two_faced(drawn: Drawn) -> Drawn:
    """The same with a liar beside honest nodes, archived entries, and a source of whole ledgers mostly."""
    dice = random.Random(f"two-faced matrix {drawn.seed}")
    nodes = list(drawn.nodes)
    while len(nodes) < dice.choice((2, 2, 3)):
        nodes.append(_node(dice, drawn.seed))
    liar = dice.randrange(len(nodes))
    lies = dice.choice(((0.3, 0.0), (0.1, 0.0), (0.0, 0.2), (0.2, 0.2), (0.0, 0.0)))
    for place, plan in enumerate(nodes):
        shares = lies if place == liar else (0.0, 0.0)
        nodes[place] = msgspec.structs.replace(
            plan,
            altered_events=shares[0],
            hidden_events=shares[1],
            evicts=dice.random() < 0.3,
            datastore=plan.datastore or dice.random() < 0.5,
        )
    steps = [
        step._replace(node=liar) if step.action in ("hide", "drop") else step
        for step in drawn.steps
        if step.action not in ("reset", "switch")
    ]
    for _ in range(dice.choice((0, 1, 2))):
        stream = Step("archive", 0, dice.randrange(1, 5))
        steps.insert(dice.randrange(1, len(steps) + 1), stream)
    return drawn._replace(
        nodes=tuple(nodes),
        cross_check=dice.choices(("always", "sample"), (3, 1))[0],
        steps=tuple(steps),
        two_faced=True,
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
