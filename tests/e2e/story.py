"""What happens on the chain while processes live and die: transactions, one after the other."""

import time

from simulator.accounts import Cast
from simulator.calls import Call
from tests.e2e.harness import LEDGER_SECONDS, STREAMS, Site

_BUSY = 4  # events not yet planned, and deliveries not yet queued


class Story:
    """Stops and restarts every stream in turn, and now and then the whole contract.

    It goes on only while planning and relaying keep up. What a dead process had queued in its memory is
    found again when the lease of 30 s is over: a rush would leave so much of it that nothing else moves.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._turn = 0
        self._next_at = 0.0

    def go_on(self) -> None:
        """One more transaction, a ledger after the last one."""
        now = time.monotonic()
        if now < self._next_at or self._site.backlog() > _BUSY:
            return
        self._next_at = now + LEDGER_SECONDS
        network = self._site.network
        network.submit(self._call(network.cast))
        self._turn += 1

    def _call(self, cast: Cast) -> Call:
        """Round by round every stream is paused, then resumed; after five rounds it is the contract."""
        long_rounds, place = divmod(self._turn, 5 * STREAMS + 1)
        if place == 5 * STREAMS:
            function = "unpause_contract" if long_rounds % 2 else "pause_contract"
            return Call(function, (cast.admin,))
        round_, number = divmod(self._turn - long_rounds, STREAMS)
        function = "resume_stream" if round_ % 2 else "pause_stream"
        return Call(function, (cast.employer_of(number), number + 1))

    def go_on_for(self, seconds: float) -> None:
        """Let so much time pass in it."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            self.go_on()
            time.sleep(0.05)
