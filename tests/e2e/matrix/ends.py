"""What is looked for at the end of a run with a two-faced node: its lies are named, and what storage says.

First some ledgers close in good weather, while two nodes are compared; then the contract's own storage is
read, of which entries may be archived or gone. Nothing may be wrong without a word.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, select

from domain import stream
from domain.state import CANCELLED, EXHAUSTED
from domain.values import NetworkId, stream_uuid
from ingest import jobs
from ingest.disputes import rpc_dispute
from ingest.endpoint_report import reported
from ingest.reconcile import report, requests
from ingest.reconcile.findings import Kind
from ingest.reconcile.report import Reconciled
from ingest.sources import passed
from simulator.ledger import ContractEvent, ledger_of
from store import log
from store.engine import Database
from tests.e2e.matrix.judging import bytes_of, is_of
from tests.e2e.matrix.world import World

_LEDGERS: Final = 8
_SAID_OF_ARCHIVED: Final = (Kind.ARCHIVED, Kind.UNREADABLE)


class Ends:
    """`wait`: whether something comes to hold while there is progress."""

    def __init__(
        self,
        world: World,
        database: Database,
        network: NetworkId,
        *,
        wait: Callable[[Callable[[], bool]], bool],
    ) -> None:
        self._world = world
        self._database = database
        self._network = network
        self._wait = wait

    def watched(self) -> list[str]:
        """Ledgers close while two nodes are compared: which lie about them nobody names."""
        self._world.be_plain()  # while an odd answer has no second opinion beside it, pages pass unchecked
        if self._world.drawn.cross_check != "always" or not self._wait(self._all_are_asked):
            return []
        first = self._world.latest + 1
        for _ in range(_LEDGERS):
            self._world.go_on(1)
            if not self._wait(lambda: has_caught_up(self._database, self._world)):
                return [f"it does not come to ledger {self._world.latest}"]
        if not self._all_are_asked():
            return []
        with self._database.read() as conn:
            disputed = set(conn.scalars(select(rpc_dispute.c.event_id)))
            kept = {k: v for each in self._world.contracts for k, v in bytes_of(conn, each).items()}
        return [
            fault
            for contract_id in self._world.contracts
            for event in self._world.happened(contract_id).values()
            if ledger_of(event.event_id) >= first and event.event_id not in disputed
            for fault in self._unsaid(event, kept.get(event.event_id))
        ]

    def _unsaid(self, event: ContractEvent, stored: bytes | None) -> Iterator[str]:
        """What is wrong about an event that nobody disputes."""
        honest = set(range(len(self._world.nodes))) - self._world.forked
        liars = honest & set(self._world.liars_about(event))
        if liars == honest or len(honest) == 1:
            return
        if stored is None or not is_of(stored, event):
            yield f"{event.event_id} is {'missing' if stored is None else 'altered'}, undisputed"
        elif len(honest) == 2 and liars:
            yield f"{event.event_id} was told otherwise by {liars}, undisputed"

    def _all_are_asked(self) -> bool:
        """Whether every node is used but those that follow another chain."""
        with self._database.read() as conn:
            states = {row.name: row.state for row in conn.execute(reported())}
        return all(
            states.get(node.url.removeprefix("http://")) == "closed"
            for place, node in enumerate(self._world.nodes)
            if place not in self._world.forked
        )

    def reconciled(self) -> list[str]:
        """What differs from the contract's storage, or cannot be read there, and is not said."""
        contract_id = self._world.contracts[0]
        with self._database.begin() as conn:
            job = requests.join(conn, kind=requests.BY_HAND, contract_id=contract_id)
        if not self._wait(lambda: self._state(job) in (jobs.DONE, jobs.FAILED)):
            return ["a reconciliation does not end"]
        with self._database.read() as conn:
            found = report.last(conn, contract_id)
            folded = {number: self._folded(conn, number) for number in self._world.statuses()}
        if self._state(job) != jobs.DONE or found is None:
            return [f"a reconciliation ended as {self._state(job)}: {found}"]
        return [*self._unread(found), *self._unequal(found, folded)]

    def _state(self, job: jobs.Job) -> str:
        with self._database.read() as conn:
            (progress,) = jobs.progress(conn, [job])
        return progress.state

    def _folded(self, conn: Connection, number: int) -> str:
        ident = stream_uuid(self._network, self._world.contracts[0], number)
        state = stream.fold(None, (each.event for each in log.read_aggregate(conn, ident)))
        return "unknown" if state is None else str(state.status)

    def _unread(self, found: Reconciled) -> Iterator[str]:
        said = {each.stream_id for each in found.findings if each.kind in _SAID_OF_ARCHIVED}
        for number in self._world.archived - said:
            yield f"nobody said that stream {number} is archived: {found}"

    def _unequal(self, found: Reconciled, folded: dict[int, str]) -> Iterator[str]:
        said = {each.stream_id for each in found.findings if each.is_open}
        if None in said:
            return
        for number, status in self._world.statuses().items():
            same = folded[number] == status or (folded[number], status) == (CANCELLED, EXHAUSTED)
            if not same and number not in said:
                yield f"stream {number} is {status} and recorded as {folded[number]}: {found}"


def has_caught_up(database: Database, world: World) -> bool:
    """Whether everything is scanned."""
    with database.read() as conn:
        reached = [passed(conn, each) for each in world.contracts]
    return all(each is not None and each >= world.latest for each in reached)
