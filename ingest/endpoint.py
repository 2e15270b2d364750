"""One endpoint and how it fares: latency, lag, failures, breaker, budget, and what chain it follows.

The pool (endpoints.py) chooses by this; endpoint_report.py shows it. The breaker: closed while it
answers; open after five failures in a row, then nobody asks it until its rest is over; then a single
request, which proves the network anew, decides.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from ingest.backoff import Backoff
from ingest.errors import Permanent
from ingest.metered import MeteredTransport
from ingest.rpc import EventSource, RpcEndpoint

# About a minute at five seconds a ledger; honest nodes differ by a few ledgers.
LAG_LEDGERS: Final = 12
# A node behind a load balancer jumps by a few ledgers; one that was reset or restored jumps far.
BACKWARDS_LEDGERS: Final = 2 * LAG_LEDGERS
OPEN_AFTER: Final = 5
_ALIKE_SECONDS: Final = 0.1  # latencies below are as good as each other

ANSWERED, FAILED, BEHIND, GAP, REFUSED, EXPELLED = (
    "answered",
    "failed",
    "behind",
    "gap",
    "refused",
    "expelled",
)
OUTCOMES: Final = (ANSWERED, FAILED, BEHIND, GAP, REFUSED, EXPELLED)


@dataclass(eq=False)
class Endpoint:
    """Times by the pool's clock, in seconds.

    `failures`, `misses`: in a row; a miss is also a node that is behind. `expelled`: why it is not
    believed. `proof`, `proven_at`: its last one; `provable_from`: where that said nothing, the ledger
    from which on one can (endpoint_proof.py). `outcomes`: {outcome: requests}.
    """

    rpc: EventSource
    transport: MeteredTransport
    backoff: Backoff = field(default_factory=Backoff)
    failures: int = 0
    misses: int = 0
    rest_until: float = 0.0
    proven: bool = False
    proof: int = 0
    proven_at: float = -math.inf
    provable_from: int = 0
    doubted_again_at: float = 0.0
    expelled: Permanent | None = None
    reason: str | None = None
    latest_ledger: int = 0
    oldest_ledger: int = 0
    asked_at: float = -math.inf
    outcomes: Counter[str] = field(default_factory=Counter)
    probing: bool = False
    proving: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, transport: MeteredTransport) -> Self:
        """A Stellar RPC behind a transport."""
        return cls(RpcEndpoint(transport), transport)

    @property
    def name(self) -> str:
        """Where it is, without secrets."""
        return self.rpc.name

    @property
    def state(self) -> str:
        """closed, open, half_open or expelled."""
        if self.expelled is not None:
            return EXPELLED
        if self.failures < OPEN_AFTER:
            return "closed"
        return "half_open" if self.probing else "open"

    def may_be_asked(self, now: float) -> bool:
        """Whether the breaker lets a request through; a resting endpoint that is closed may be asked."""
        if self.state == "closed":
            return True
        return not self.probing and self.rest_until <= now

    @property
    def must_prove(self) -> bool:
        """Neither proven nor refuted, and it has the ledger now that decides which."""
        return not self.proven and self.latest_ledger >= self.provable_from

    def rest(self, now: float, seconds: float | None = None) -> None:
        """Be asked last for a while: so long, or doubling from failure to failure."""
        self.rest_until = now + self.backoff.next(seconds)

    def answered(self, outcome: str = ANSWERED) -> None:
        """It is there; that ledgers are gone is an answer, too."""
        self.outcomes[outcome] += 1
        self.failures = self.misses = 0
        self.rest_until = 0.0
        self.reason = None
        self.backoff.reset()

    def failed(self, outcome: str, reason: str) -> None:
        """It has not."""
        self.outcomes[outcome] += 1
        self.reason = reason
        self.misses += 1
        if outcome in (FAILED, REFUSED):
            self.failures += 1
            if self.failures >= OPEN_AFTER:
                self.doubt()

    def doubt(self) -> None:
        """Have it prove its chain before its next use."""
        self.proven = False
        self.proven_at = -math.inf
        self.provable_from = 0
        self.doubted_again_at = 0.0

    def saw(self, oldest: int | None, latest: int) -> bool:
        """Which ledgers it has now; True where its newest one went far back: it must prove itself."""
        went_back = latest + BACKWARDS_LEDGERS < self.latest_ledger
        self.latest_ledger = latest
        if oldest is not None:
            self.oldest_ledger = oldest
        if went_back:
            self.doubt()
        return went_back

    def lags_behind(self, newest: int) -> bool:
        """Whether another one has shown much newer ledgers."""
        return 0 < self.latest_ledger < newest - LAG_LEDGERS

    def slowness(self) -> int | None:
        """0 for the fast, one more for each doubling of its latency; None where it is not known."""
        seconds = self.transport.latency_seconds
        if seconds is None:
            return None
        return max(0, math.ceil(math.log2(max(seconds, _ALIKE_SECONDS) / _ALIKE_SECONDS)))


def in_order(
    endpoints: Iterable[Endpoint], last_good: Endpoint, now: float, newest: int
) -> list[Endpoint]:
    """Those that may be asked, the best first; `now`: the pool's clock, `newest`: ledger shown by any."""
    liked = last_good.slowness() or 0

    def rank(endpoint: Endpoint) -> tuple[bool, bool, bool, float, bool]:
        slowness = endpoint.slowness()
        is_liked = endpoint is last_good
        return (
            endpoint.rest_until > now,
            endpoint.transport.is_spent,
            endpoint.lags_behind(newest),
            (liked if slowness is None else slowness) - is_liked,
            not is_liked,
        )

    return sorted((each for each in endpoints if each.may_be_asked(now)), key=rank)
