"""One RPC node of the network: which chain it follows, how far, how much it keeps, and its weather.

Several nodes of one chain tell the same with different tips and windows. What a node is like may be
changed while it serves, from any thread: each change is one assignment, counted by the next request.
"""

from simulator.chain import Chain
from simulator.faults import FaultPlan, Weather
from simulator.ledger import Ledger


class Node:
    """Answers for `chain` as it has seen it.

    `behind`: ledgers that it is late. `stopped_at`: the newest ledger it will ever show, as a node that
    was restored from a backup; None: it goes on. `retention_ledgers`: None keeps what the chain keeps.
    """

    def __init__(self, chain: Chain, plan: FaultPlan) -> None:
        self.chain = chain
        self.weather = Weather(plan)
        self.behind = plan.tip_behind
        self.retention_ledgers = plan.retention_ledgers
        self.stopped_at: int | None = None
        self.url = ""

    @property
    def kept_ledgers(self) -> int:
        """How many ledgers its window holds once it is full."""
        return self.retention_ledgers or self.chain.retention_ledgers

    @property
    def oldest(self) -> Ledger:
        """The oldest ledger of its window."""
        chain = self.chain
        first = chain.latest.sequence - self.kept_ledgers + 1
        return chain.ledger(max(chain.oldest.sequence, first))

    def tip(self, lag_ledgers: int = 0) -> Ledger:
        """The newest ledger that it shows; `lag_ledgers`: how much later still this answer is."""
        newest = self.chain.latest.sequence - self.behind - lag_ledgers
        if self.stopped_at is not None:
            newest = min(newest, self.stopped_at)
        return self.chain.ledger(max(self.oldest.sequence, newest))
