"""A small world for planning: facts are judged and recorded as ingest does it, then planned."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from domain.chain_order import DomainEvent
from domain.contract import CONTRACT_RULES, RangeFilled
from domain.contract import evolve as evolve_contract
from domain.facts import Fact, StreamFact
from domain.judgement import decide
from domain.stream import STREAM_RULES
from domain.stream import evolve as evolve_stream
from domain.values import NetworkId, contract_uuid, stream_uuid
from notifier.backlog import Backlog
from notifier.canary_planning import CanaryPlans
from notifier.contact_file import ContactLine
from notifier.contact_import import import_contacts
from notifier.content import decode_content
from notifier.lasting import Lasting
from notifier.notices import NoticeWriter, PlanningRules
from notifier.plan import build_follower
from notifier.privacy import Vault
from notifier.recipients import Roster, open_private
from notifier.reminder_times import Times
from notifier.rendering import Renderer
from notifier.restraint import UNRESTRAINED, Restraint
from notifier.schema import delivery, notice, recipient
from notifier.settlement import Settlements
from notifier.storm import UNBRAKED, Brake
from notifier.ways import Ways
from notifier.webhooks.planning import Subscribers
from store import bulk, log
from store.clock import now_micros
from store.engine import Database
from store.mapper import decode, encode_state
from store.schema import evidence, notice_fact_outbox, stream_state
from tests.fakes.chain import CONTRACT

NETWORK = NetworkId("ab" * 32)
MASTER_KEY = bytes(range(32))
FOREVER = {"email": 10**12, "sms": 10**12, "push": 10**12}


class Told(NamedTuple):
    """A notice as a test compares it."""

    kind: str
    account: str
    cause: str
    late: bool


class World:
    """One database with a log, a planner and its backlog."""

    def __init__(
        self,
        database: Database,
        freshness: dict[str, int] | None = None,
        *,
        chunk_events: int = 100,
        restraint: Restraint = UNRESTRAINED,
        brake: Brake = UNBRAKED,
        ways: Ways | None = None,
        times: Times | None = None,
        settlements: Settlements | None = None,
        canaries: str | None = None,
        clock: Callable[[], int] = now_micros,
        recording: Callable[[], int] = now_micros,
    ) -> None:
        self.database = database
        self.recording = recording
        self.vault = Vault(MASTER_KEY)
        rules = PlanningRules(
            network=NETWORK,
            freshness_seconds=FOREVER if freshness is None else freshness,
            public_url="https://pay.example",
            restraint=restraint,
            brake=brake,
            ways=ways or Ways(),
            settlements=settlements,
        )
        self.writer = NoticeWriter(
            Roster(self.vault), rules, Subscribers(self.vault, retry_seconds=3600)
        )
        self.follower = build_follower(
            database,
            self.writer,
            chunk_events=chunk_events,
            poll_seconds=0.01,
            clock=clock,
            lasting=None if times is None else Lasting(Roster(self.vault), times),
            canaries=None if canaries is None else CanaryPlans(canaries),
        )
        self.backlog = Backlog(database, self.writer, poll_seconds=0.01)
        self.past: dict[UUID, list[DomainEvent]] = {}

    def record(self, *facts: Fact, job: str | None = None) -> None:
        """Judge one slice of facts and append it to the log."""
        by_aggregate: dict[UUID, list[Fact]] = {}
        for fact in facts:
            by_aggregate.setdefault(aggregate_of(fact), []).append(fact)
        with self.database.begin() as conn:
            bulk.insert_many(
                conn,
                evidence,
                ("event_id", "contract_id", "bytes", "sha256", "seen_at", "source"),
                [(f.event_id, f.contract_id, b"", b"", seen_at(f), "test") for f in facts],
                on_conflict="nothing",
            )
            for originator_id, some in by_aggregate.items():
                self._decide(conn, originator_id, some, job)

    def _decide(
        self, conn: Connection, originator_id: UUID, facts: Sequence[Fact], job: str | None
    ) -> None:
        rules, evolve = (
            (STREAM_RULES, evolve_stream)
            if isinstance(facts[0], StreamFact)
            else (CONTRACT_RULES, evolve_contract)
        )
        past = self.past.setdefault(originator_id, [])
        state: Any = rules.initial
        for event in past:
            state = evolve(state, event)
        events, state = decide(rules, originator_id, state, facts, past=past, job=job)
        past.extend(events)
        log.append(conn, events, recorded_at=self.recording())
        if isinstance(facts[0], StreamFact):
            row = (
                originator_id,
                facts[0].contract_id,
                facts[0].stream_id,
                state.version,
                state.status,
                state.employer,
                state.employee,
                encode_state(state),
            )
            columns = tuple(stream_state.c.keys())
            bulk.upsert_many(conn, stream_state, ("originator_id",), columns, [row])

    def fill(self, job: str) -> None:
        """Say that a job is through."""
        originator_id = contract_uuid(NETWORK, CONTRACT)
        past = self.past.setdefault(originator_id, [])
        event = RangeFilled(originator_id, len(past) + 1, job, CONTRACT, 1, 1000)
        past.append(event)
        with self.database.begin() as conn:
            log.append(conn, [event], recorded_at=now_micros())

    def plan(self) -> None:
        """Plan all that is recorded, the backlog too."""
        while self.follower.step():
            pass
        while self.backlog.step():
            pass

    def register(self, *lines: ContactLine) -> None:
        import_contacts(self.database, self.vault, lines)

    def told(self) -> list[Told]:
        """All notices in the order of planning, with the account in clear."""
        roster = {row.recipient_id: row for row in self.rows(select(recipient))}
        found = self.rows(select(notice).order_by(notice.c.position, notice.c.planned_at))
        return [
            Told(row.kind, self.account(roster[row.recipient_id]), row.cause_event_id, row.late)
            for row in found
        ]

    def account(self, row: Any) -> str:
        key = self.vault.unwrap(row.wrapped_key, row.recipient_id)
        return open_private(key, row.recipient_id, row.private).account_id

    def deliveries(self) -> list[tuple[str, str, str | None]]:
        """(channel, state, reason) of every delivery, sorted."""
        rows = self.rows(select(delivery))
        return sorted((row.channel, row.state, row.reason) for row in rows)

    def facts(self) -> list[DomainEvent]:
        """What waits to be appended to the log about notices."""
        rows = self.rows(select(notice_fact_outbox).order_by(notice_fact_outbox.c.id))
        return [decode(row.topic, row.fact, row.notice_id, 0) for row in rows]

    def words(self) -> list[str]:
        """The in-app texts of all notices."""
        renderer = Renderer()
        return [
            renderer.render(decode_content(row.content), "in_app", "en", "1").text
            for row in self.rows(select(notice).order_by(notice.c.position))
        ]

    def rows(self, statement: Any) -> list[Any]:
        with self.database.read() as conn:
            return list(conn.execute(statement))


def aggregate_of(fact: Fact) -> UUID:
    if isinstance(fact, StreamFact):
        return stream_uuid(NETWORK, fact.contract_id, fact.stream_id)
    return contract_uuid(NETWORK, fact.contract_id)


def seen_at(fact: Fact) -> int:
    """When the fake source saw a fact: three seconds after ledger close."""
    return min((fact.closed_at + 3) * 1_000_000, 2**62)
