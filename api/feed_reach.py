"""What a reach lets through of the feed, which is read once for everybody and sent on from memory.

News of a stream passes by the parties that it names: who was one when it happened hears of it, and who
stopped being one hears of that. News of a whole contract passes whoever has a stream there: known when
the connection begins, and learned from what passes it afterwards.
"""

from collections.abc import Iterable, Sequence

from projections.reach import Reach


class FeedReach:
    """One connection's reach. `contracts`: those of which contract-wide news passes."""

    def __init__(self, reach: Reach, contracts: Iterable[str]) -> None:
        self._reach = reach
        self._contracts = set(contracts)

    def passes(
        self, contract_id: str, stream_id: int | None, parties: Sequence[str | None]
    ) -> bool:
        """Whether a message is within reach; asked in the order of the log."""
        if not self._reach.may_hold(contract_id):
            return False
        if stream_id is None:
            return contract_id in self._contracts
        if self._reach.account is None:
            return True
        if self._reach.account not in parties:
            return False
        self._contracts.add(contract_id)
        return True
