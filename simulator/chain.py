"""The chain: closes ledgers over the contract, keeps them, and tells the truth about them.

`open_ledger` gives a draft, scenarios submit transactions to it, `close` persists and then publishes
it. Until then nothing of it is served. Works without a clock: the caller says the close time.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator.accounts import Cast, wasm_hash_for
from simulator.calls import Call
from simulator.chain_file import ChainFile, LedgerLine
from simulator.closing import Closing
from simulator.contract import Contract, Outcome, wire_events
from simulator.errors import CallRefused, StateMismatch
from simulator.ledger import (
    NETWORK_RULES,
    ContractEvent,
    Ledger,
    Rules,
    Transaction,
    event_id,
)
from simulator.truth import truth_lines
from simulator.web_auth import WebAuthContract

GENESIS_LEDGER = 1_000
FIRST_LEDGER = 1_010
REAL_LEDGER_SECONDS = 5
_TRIM_EVERY = 1_000


def _genesis(seed: int, passphrase: str, rules: Rules) -> dict[str, Any]:
    """What a chain's file begins with; rules are said where they are not the network's own."""
    genesis: dict[str, Any] = {"format": 1, "seed": seed, "passphrase": passphrase}
    return genesis if rules == NETWORK_RULES else genesis | {"rules": rules._asdict()}


class LedgerDraft:
    """The ledger being closed. `contract` already shows what the submitted calls changed."""

    def __init__(self, contract: Contract, sequence: int, closed_at: int) -> None:
        self.contract = contract
        self.sequence = sequence
        self.closed_at = closed_at
        self.transactions: list[tuple[Sequence[Call], list[Outcome], bool]] = []
        self.contract_events = 0

    def submit(self, *calls: Call) -> bool:
        """Run one transaction; False when the contract refused it (it then fails on chain)."""
        try:
            outcomes = self.contract.execute(calls, now=self.closed_at, ledger=self.sequence)
        except CallRefused:
            self.transactions.append((calls, [], True))
            return False
        self.transactions.append((calls, outcomes, False))
        self.contract_events += sum(outcome.is_told for outcome in outcomes)
        return True


class Chain:
    """All closed ledgers within retention, the contract's present state, and the files."""

    def __init__(  # noqa: PLR0913 - a network has that many sides
        self,
        *,
        seed: int,
        streams: int,
        passphrase: str,
        genesis_at: int,
        retention_ledgers: int = 120_960,
        state_dir: Path | None = None,
        rules: Rules = NETWORK_RULES,
    ) -> None:
        """Continue the chain in `state_dir`, or begin one at `genesis_at` (unix seconds).

        Without a folder the chain lives in memory. Raises StateMismatch.
        """
        self.protocol, self._fees = rules.protocol, rules.fees
        self.cast = Cast.of(seed, streams)
        self.contract = Contract(self.cast, wasm_hash_for(seed, 1))
        self.network_id = hashlib.sha256(passphrase.encode()).digest()
        self.web_auth = WebAuthContract(seed, self.network_id)
        self.retention_ledgers = retention_ledgers
        self.contract_event_count = 0
        self.event_ids: list[str] = []
        self.events: list[ContractEvent] = []
        self.transactions: dict[str, Transaction] = {}
        self._ledgers: list[Ledger] = []
        self._truth: list[bytes] = []
        self._truth_path = state_dir and state_dir / "truth.ndjson"
        self._file: ChainFile | None = None
        if state_dir is not None:
            self._file = ChainFile(state_dir, _genesis(seed, passphrase, rules))
            try:
                self._resume(self._file)
            except BaseException:
                self._file.close()
                raise
        self._write_truth(anew=True)
        while not self._ledgers or self.latest.sequence < FIRST_LEDGER - 1:
            before_first = FIRST_LEDGER - 1 - (self._next_sequence() - 1)
            self.close_ledger([], genesis_at - before_first * REAL_LEDGER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shut()

    def shut(self) -> None:
        """Release the files."""
        if self._file is not None:
            self._file.close()

    @property
    def latest(self) -> Ledger:
        """The newest closed ledger."""
        return self._ledgers[-1]

    @property
    def oldest(self) -> Ledger:
        """The oldest ledger within retention."""
        return self._ledgers[max(0, len(self._ledgers) - self.retention_ledgers)]

    def ledger(self, sequence: int) -> Ledger:
        """A closed ledger within retention."""
        return self._ledgers[sequence - self._ledgers[0].sequence]

    def first_at(self, ledger: int) -> int:
        """Index into `events` of the first event at or after the start of a ledger."""
        return bisect_left(self.event_ids, event_id(ledger, 0, 0, 0))

    def first_after(self, cursor: str) -> int:
        """Index into `events` of the first event behind a cursor."""
        return bisect_right(self.event_ids, cursor)

    def open_ledger(self, closed_at: int) -> LedgerDraft:
        """Begin the next ledger; its close time is never before the last one's."""
        if self._ledgers:
            closed_at = max(closed_at, self.latest.closed_at)
        return LedgerDraft(self.contract, self._next_sequence(), closed_at)

    def close_ledger(self, transactions: Sequence[Sequence[Call]], closed_at: int) -> Ledger:
        """Open, submit and close in one go."""
        draft = self.open_ledger(closed_at)
        for calls in transactions:
            draft.submit(*calls)
        return self.close(draft)

    def close(self, draft: LedgerDraft) -> Ledger:
        """Persist the draft, then publish it."""
        ledger = self._build(draft)
        if self._file is not None:
            calls = [submitted for submitted, _, _ in draft.transactions]
            self._file.append(LedgerLine(ledger.sequence, ledger.closed_at, ledger.hash, calls))
        self._publish(ledger, draft)
        self._write_truth()
        return ledger

    def _next_sequence(self) -> int:
        return self.latest.sequence + 1 if self._ledgers else GENESIS_LEDGER

    def _build(self, draft: LedgerDraft) -> Ledger:
        closing = Closing(
            self.network_id,
            self.cast.contract_id,
            self.cast.router_id,
            self.cast.treasury,
            draft.sequence,
            draft.closed_at,
            self.protocol,
            self.cast.native_id if self._fees else None,
        )
        transactions = [
            closing.transaction(order, calls, wire_events(outcomes), failed=failed)
            for order, (calls, outcomes, failed) in enumerate(draft.transactions, start=1)
        ]
        previous = self.latest.hash if self._ledgers else bytes(32).hex()
        return closing.ledger(previous, transactions)

    def _publish(self, ledger: Ledger, draft: LedgerDraft) -> None:
        self._ledgers.append(ledger)
        events = ledger.events()
        self.events += events
        self.event_ids += [event.event_id for event in events]
        for transaction, (_, outcomes, _) in zip(
            ledger.transactions, draft.transactions, strict=True
        ):
            self.transactions[transaction.hash] = transaction
            if self._truth_path is not None:
                self._truth += truth_lines(ledger, transaction, outcomes, self.cast.contract_id)
        self.contract_event_count += draft.contract_events
        if len(self._ledgers) >= self.retention_ledgers + _TRIM_EVERY:
            self._trim()

    def _trim(self) -> None:
        dropped = len(self._ledgers) - self.retention_ledgers
        for ledger in self._ledgers[:dropped]:
            for transaction in ledger.transactions:
                self.transactions.pop(transaction.hash)
        del self._ledgers[:dropped]
        keep_from = self.first_at(self._ledgers[0].sequence)
        del self.event_ids[:keep_from]
        del self.events[:keep_from]

    def _resume(self, chain_file: ChainFile) -> None:
        for line in chain_file.ledgers():
            draft = LedgerDraft(self.contract, line.sequence, line.closed_at)
            for calls in line.transactions:
                draft.submit(*calls)
            ledger = self._build(draft)
            if ledger.hash != line.hash:
                raise StateMismatch(
                    f"ledger {line.sequence} does not come out as it was stored: "
                    "another version wrote it; remove the folder"
                )
            self._publish(ledger, draft)

    def _write_truth(self, *, anew: bool = False) -> None:
        if self._truth_path is None:
            return
        lines, self._truth = self._truth, []
        if anew:
            replacement = self._truth_path.with_suffix(".new")
            replacement.write_bytes(b"".join(lines))
            replacement.replace(self._truth_path)
        elif lines:
            with self._truth_path.open("ab") as truth:
                truth.write(b"".join(lines))
