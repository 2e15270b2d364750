"""Closing a ledger: executed calls become transactions with ids and hashes, then a chained ledger.

The JSON of every event is made here, once, as getEvents only joins it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from simulator.calls import IN_FEE_BUMP, Call
from simulator.envelope import envelope_xdr, fee_bump, transaction_hash
from simulator.ledger import (
    LAST_OPERATION,
    LAST_TRANSACTION,
    PROTOCOL_VERSION,
    ContractEvent,
    Ledger,
    Stage,
    StagedEvent,
    Transaction,
    event_id,
    rfc3339,
)
from simulator.ledger_xdr import contract_event, fee_bump_result, header, transaction_result
from simulator.shapes import Emitted, fee_charged

FEE = 100_000


class _Place(NamedTuple):
    """Where an event stands in its ledger; fees stand at the ends of the numbers."""

    transaction: int
    operation: int
    event: int


class Closing(NamedTuple):
    """What every transaction of the ledger being closed shares."""

    network_id: bytes
    contract_id: str
    router_id: str
    relayer: str
    sequence: int
    closed_at: int
    protocol: int = PROTOCOL_VERSION
    fee_contract_id: str | None = None

    def transaction(
        self, order: int, calls: Sequence[Call], emitted: Sequence[Emitted], *, failed: bool
    ) -> Transaction:
        """The transaction at place `order` (from 1) whose one operation emitted these events."""
        envelope = envelope_xdr(
            calls,
            contract_id=self.contract_id,
            router_id=self.router_id,
            relayer=self.relayer,
            sequence_number=self.sequence << 32 | order,
        )
        inner = envelope
        if calls[0].signed == IN_FEE_BUMP:
            envelope = fee_bump(inner, self.relayer)
        tx_hash = transaction_hash(self.network_id, envelope)
        events = tuple(
            self._event(_Place(order, 0, index), event, tx_hash, succeeded=True)
            for index, event in enumerate(emitted)
        )
        result = transaction_result(failed=failed, events=[contract_event(e) for e in events])
        if envelope is not inner:
            inner_hash = transaction_hash(self.network_id, inner)
            result = fee_bump_result(inner_hash, result, failed=failed)
        return Transaction(
            hash=tx_hash,
            order=order,
            ledger=self.sequence,
            envelope=envelope,
            result=result,
            events=events,
            failed=failed,
            fees=tuple(self._fees(order, calls[0].caller, tx_hash, failed=failed)),
        )

    def _fees(self, order: int, payer: str, tx_hash: str, *, failed: bool) -> Iterator[StagedEvent]:
        """The fee, and what is given back of it: by turns right after the transaction and after all."""
        if self.fee_contract_id is None:
            return
        refund = (
            (Stage.AFTER_TRANSACTION, _Place(order, LAST_OPERATION, 0))
            if order % 2
            else (Stage.AFTER_ALL, _Place(LAST_TRANSACTION, 0, order // 2 - 1))
        )
        for amount, (stage, place) in (
            (FEE, (Stage.BEFORE_ALL, _Place(0, 0, order - 1))),
            (-FEE // 4, refund),
        ):
            event = fee_charged(self.fee_contract_id, payer, amount)
            yield StagedEvent(stage, self._event(place, event, tx_hash, succeeded=not failed))

    def _event(self, at: _Place, event: Emitted, tx_hash: str, *, succeeded: bool) -> ContractEvent:
        place = event_id(self.sequence, at.transaction, at.operation, at.event)
        head = f'"ledger":{self.sequence},"ledgerClosedAt":"{rfc3339(self.closed_at)}",'
        tail = (
            f'"operationIndex":{at.operation},"transactionIndex":{at.transaction},'
            f'"txHash":"{tx_hash}","inSuccessfulContractCall":{str(succeeded).lower()},'
        )
        contract_id = event.contract_id or self.contract_id
        quoted = '","'.join(event.topics)
        # stellar-rpc leaves `topic` out when there is none (omitempty)
        topic = f'"topic":["{quoted}"],' if quoted else ""
        wire = (
            f'{{"type":"{event.type}",{head}"contractId":"{contract_id}","id":"{place}",'
            f'{tail}{topic}"value":"{event.value}"}}'
        )
        return ContractEvent(
            place, event.type, contract_id, event.topics, event.value, wire.encode("ascii")
        )

    def ledger(self, previous_hash: str, transactions: Sequence[Transaction]) -> Ledger:
        """The closed ledger, chained to the one before by the hash of a real header."""
        xdr = header(
            previous_hash, self.sequence, self.closed_at, transactions, protocol=self.protocol
        )
        digest = hashlib.sha256(xdr).hexdigest()
        return Ledger(self.sequence, self.closed_at, digest, xdr, tuple(transactions))
