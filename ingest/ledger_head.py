"""Which ledger it is: sequence, hash and close time, as getLedgers tells them.

Source: stellar-rpc v28, methods/get_ledgers.go.
"""

import msgspec

from ingest.errors import RpcUnavailable


class LedgerHead(msgspec.Struct, frozen=True):
    """A closed ledger: `hash` of its header in hex, `closed_at` in unix seconds."""

    sequence: int
    hash: str
    closed_at: int


class _Ledger(msgspec.Struct, rename="camel"):
    """getLedgers tells more; its close times are texts."""

    sequence: int
    hash: str
    ledger_close_time: int | str


class Ledgers(msgspec.Struct):
    """The result of getLedgers."""

    ledgers: list[_Ledger]

    def head(self, sequence: int, source: str) -> LedgerHead:
        """The ledger that was asked for. Raises RpcUnavailable."""
        try:
            (ledger,) = (each for each in self.ledgers if each.sequence == sequence)
            return LedgerHead(sequence, ledger.hash, int(ledger.ledger_close_time))
        except ValueError as error:
            raise RpcUnavailable(f"{source} does not tell ledger {sequence}") from error
