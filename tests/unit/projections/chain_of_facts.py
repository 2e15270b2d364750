"""A small chain and a small ingest: facts in, judged events in the log, as T1 would record them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain import facts
from domain.chain_order import DomainEvent, Rules
from domain.contract import CONTRACT_RULES, GapHealed, GapOpened
from domain.facts import Fact, StreamFact
from domain.judgement import decide
from domain.stream import STREAM_RULES
from domain.values import I128, contract_uuid, network_id, stream_uuid
from projections.digest import Digests, digests
from projections.follow import projections_follower
from projections.sets import active_set
from store import log
from store.engine import Database

NETWORK = network_id("Test Network")
CONTRACT = "C" + "A" * 55
EMPLOYER, EMPLOYEE, OTHER = ("G" + letter * 55 for letter in "ABC")
SECONDS_PER_LEDGER = 5
GENESIS = 1_700_000_000


def closed_at(ledger: int) -> int:
    return GENESIS + SECONDS_PER_LEDGER * ledger


def event_id(ledger: int, n: int = 1) -> str:
    return f"{ledger << 32:019d}-{n:010d}"


def place(ledger: int, n: int = 1, contract: str = CONTRACT) -> dict[str, Any]:
    return {
        "event_id": event_id(ledger, n),
        "closed_at": closed_at(ledger),
        "ledger": ledger,
        "tx_hash": f"{ledger:064x}",
        "order": "",
        "contract_id": contract,
    }


def stored(ledger: int, *, stream: int, paused: bool, k: int = 0) -> dict[str, Any]:
    """The place of a record of PauseHistory."""
    at = closed_at(ledger)
    return place(ledger) | {
        "event_id": f"storage:{CONTRACT}:{stream}:{int(paused)}:{at}:{k}",
        "tx_hash": "",
        "order": f"~{k:010d}",
    }


def created(ledger: int, stream: int = 7, n: int = 1, **more: Any) -> facts.StreamCreated:
    fields = {"employer": EMPLOYER, "employee": EMPLOYEE, "rate": I128(10), **more}
    return facts.StreamCreated(**place(ledger, n), stream_id=stream, **fields)


def paused(ledger: int, stream: int = 7, n: int = 1, **more: Any) -> facts.StreamPaused:
    return facts.StreamPaused(**place(ledger, n), stream_id=stream, **more)


def resumed(ledger: int, stream: int = 7, n: int = 1, **more: Any) -> facts.StreamResumed:
    return facts.StreamResumed(**place(ledger, n), stream_id=stream, **more)


def cancelled(ledger: int, stream: int = 7, n: int = 1, **more: Any) -> facts.StreamCancelled:
    return facts.StreamCancelled(**place(ledger, n), stream_id=stream, **more)


def withdrawn(ledger: int, stream: int = 7, n: int = 1) -> facts.StreamWithdrawn:
    return facts.StreamWithdrawn(
        **place(ledger, n), stream_id=stream, account=EMPLOYEE, amount=I128(2**100)
    )


def all_paused(ledger: int, *, value: bool = True, n: int = 1) -> facts.ContractPauseSet:
    return facts.ContractPauseSet(**place(ledger, n), paused=value, by=OTHER)


def stream_key(stream: int = 7) -> UUID:
    return stream_uuid(NETWORK, CONTRACT, stream)


def contract_key() -> UUID:
    return contract_uuid(NETWORK, CONTRACT)


class Ingest:
    """Decides slices of facts and appends them; knows nothing of the read models."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._states: dict[UUID, Any] = {}

    def deliver(self, *told: Fact) -> None:
        """One slice, in one transaction."""
        by_aggregate: dict[UUID, list[Fact]] = {}
        for fact in told:
            by_aggregate.setdefault(key_of(fact), []).append(fact)
        with self.database.begin() as conn:
            for key, some in by_aggregate.items():
                rules = rules_of(some[0])
                state = self._states.get(key, rules.initial)
                past = [each.event for each in log.read_aggregate(conn, key)]
                events, self._states[key] = decide(rules, key, state, some, past=past)
                log.append(conn, events, recorded_at=1)

    def gap(self, first: int, last: int, *, healed_by: str | None = None) -> None:
        """A gap noticed or healed at second 5."""
        with self.database.begin() as conn:
            version = len(log.read_aggregate(conn, contract_key())) + 1
            event: DomainEvent = GapOpened(contract_key(), version, CONTRACT, first, last, 5)
            if healed_by is not None:
                event = GapHealed(contract_key(), version, CONTRACT, first, last, healed_by, 9)
            log.append(conn, [event], recorded_at=1)


def key_of(fact: Fact) -> UUID:
    if isinstance(fact, StreamFact):
        return stream_uuid(NETWORK, fact.contract_id, fact.stream_id)
    return contract_uuid(NETWORK, fact.contract_id)


def rules_of(fact: Fact) -> Rules[Any]:
    return STREAM_RULES if isinstance(fact, StreamFact) else CONTRACT_RULES


def follow(database: Database, *, chunk_events: int = 1000) -> None:
    """Bring the read models up to the log's head."""
    follower = projections_follower(database, chunk_events=chunk_events)
    while follower.step():
        pass


def digest(database: Database) -> Digests:
    """Of the set that serves."""
    follower = projections_follower(database)
    with database.read() as conn:
        return digests(conn, active_set(conn), follower.position(conn))


def told(database: Database, *slices: Sequence[Fact]) -> Ingest:
    """Deliver slices and follow them."""
    ingest = Ingest(database)
    for each in slices:
        ingest.deliver(*each)
    follow(database)
    return ingest
