"""Whether what is recorded and what is claimed is the truth: the chain of the run is the judge."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from domain.values import NetworkId
from ingest.certificate import Certificate, certify
from ingest.cross_check import DIFFERS
from ingest.disputes import rpc_dispute
from simulator.ledger import ContractEvent, ledger_of
from store import log
from store.engine import Database
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence, evidence_conflict, evidence_outcome, recorded_event
from tests.e2e.matrix.world import World


class Missing(NamedTuple):
    """Events that happened in ledgers which the certificate calls seen, and are not in evidence."""

    contract_id: str
    event_ids: list[str]


class Judge:
    """Judges one run, at any moment of it."""

    def __init__(self, world: World, database: Database, network: NetworkId) -> None:
        self._world = world
        self._database = database
        self._network = network

    def certificates(self) -> dict[str, Certificate]:
        """Of each contract, now."""
        with self._database.read() as conn:
            return {each: self._certify(conn, each) for each in self._world.contracts}

    def _certify(self, conn: Connection, contract_id: str) -> Certificate:
        return certify(conn, self._network, contract_id, from_ledger=None, to_ledger=None)

    def faults(
        self, *, excused: frozenset[str] = frozenset(), confirmed: bool = False
    ) -> list[str]:
        """What is claimed and not so; `excused`: events that everybody who was asked may have hidden.

        `confirmed`: whole ledgers were read since. Bytes that a node altered may stand in evidence, but not
        without a dispute once somebody has told the true ones.
        """
        found: list[str] = []
        with self._database.read() as conn:
            claims = {each: self._certify(conn, each) for each in self._world.contracts}
            kept = {each: bytes_of(conn, each) for each in self._world.contracts}
            found += _log_faults(conn)
            disputed = _disputed(conn)
        altered = self._world.altered & disputed if confirmed else self._world.altered
        for contract_id, certificate in claims.items():
            happened = self._world.happened(contract_id)
            found += _foreign(kept[contract_id], happened, altered)
            missing = _missing(certificate, kept[contract_id], happened, excused)
            if missing:
                found.append(f"{contract_id[:6]}: claimed and missing {missing}: {certificate}")
        return found


def _disputed(conn: Connection) -> set[str]:
    """The events about which somebody has to look: told by some and not by others, or otherwise."""
    disputes = conn.scalars(select(rpc_dispute.c.event_id).where(rpc_dispute.c.kind == DIFFERS))
    return {*disputes, *conn.scalars(select(evidence_conflict.c.event_id))}


def bytes_of(conn: Connection, contract_id: str) -> dict[str, bytes]:
    """The evidence of a contract, by event id; none from storage."""
    rows = conn.execute(
        select(evidence.c.event_id, evidence.c.bytes).where(
            evidence.c.contract_id == contract_id, evidence.c.event_id < BEHIND_EVENT_IDS
        )
    )
    return {row.event_id: row.bytes for row in rows}


def _foreign(
    kept: dict[str, bytes], happened: dict[str, ContractEvent], altered: set[str]
) -> Iterator[str]:
    """Evidence that is not what the chain told; `altered`: events of which it may not be."""
    for event_id, stored in kept.items():
        event = happened.get(event_id)
        if event is None:
            yield f"{event_id} is in evidence and never happened"
        elif not is_of(stored, event) and event_id not in altered:
            yield f"{event_id} is in evidence with other bytes"


def is_of(stored: bytes, event: ContractEvent) -> bool:
    """Whether evidence holds an event's own topics and value; see architecture, evidence bytes."""
    fields = msgspec.msgpack.decode(stored)
    wire = msgspec.json.decode(event.wire)
    b64 = msgspec.json.decode(msgspec.json.encode([*fields[6], fields[7]]))
    return fields[0] == event.event_id and b64 == [*wire.get("topic", []), wire["value"]]


def _missing(
    claim: Certificate,
    kept: dict[str, bytes],
    happened: dict[str, ContractEvent],
    excused: frozenset[str],
) -> list[str]:
    if claim.ledgers is None:
        return []
    open_gaps = [gap.ledgers for gap in claim.gaps if gap.is_open]
    first, last = claim.ledgers

    def is_claimed(event_id: str) -> bool:
        ledger = ledger_of(event_id)
        in_gap = any(gap.from_ledger <= ledger <= gap.to_ledger for gap in open_gaps)
        return first <= ledger <= last and not in_gap

    return [
        each for each in happened if each not in kept and each not in excused and is_claimed(each)
    ]


def _log_faults(conn: Connection) -> Iterator[str]:
    """Positions without holes; each understood event recorded once."""
    count = conn.scalar(select(func.count()).select_from(recorded_event))
    if count != log.head(conn):
        yield f"the log holds {count} events and its head is {log.head(conn)}"
    twice = conn.execute(
        select(evidence_outcome.c.position)
        .where(evidence_outcome.c.position.is_not(None))
        .group_by(evidence_outcome.c.position)
        .having(func.count() > 1)
    ).all()
    if twice:
        yield f"positions {twice} stand for several events"
