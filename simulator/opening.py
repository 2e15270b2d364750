"""How a chain begins: as it was left, or new with the past that its scenario has."""

from simulator.chain import FIRST_LEDGER, REAL_LEDGER_SECONDS, Chain
from simulator.node import Node
from simulator.options import SimulatorOptions
from simulator.scenario import Director, scenario_named


def open_chain(options: SimulatorOptions, now: int) -> tuple[Chain, Director]:
    """The chain of the options' folder, and who plays on it. Raises SimulatorError."""
    scenario = scenario_named(options.scenario)
    began_at = now - scenario.past_ledgers * REAL_LEDGER_SECONDS
    chain = Chain(
        seed=options.seed,
        streams=options.streams,
        passphrase=options.passphrase,
        genesis_at=began_at,
        retention_ledgers=scenario.kept_ledgers or options.retention_ledgers,
        state_dir=options.state_dir,
        rules=options.rules,
    )
    director = Director(chain, scenario=options.scenario, seed=options.seed, events=options.events)
    if chain.latest.sequence < FIRST_LEDGER:
        for place in range(scenario.past_ledgers):
            draft = chain.open_ledger(began_at + place * REAL_LEDGER_SECONDS)
            director.play(draft)
            chain.close(draft)
    return chain, director


def set_up(node: Node, options: SimulatorOptions) -> None:
    """Let a node show what the scenario lets nodes show."""
    scenario = scenario_named(options.scenario)
    node.stopped_at = None
    if scenario.silent_after is not None:
        node.stopped_at = FIRST_LEDGER + scenario.past_ledgers + scenario.silent_after - 1
