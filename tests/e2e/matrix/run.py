"""One run of the matrix: what was drawn happens to a real indexer, which is judged all the while."""

import shutil
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from ingest import jobs
from ingest.coverage import LedgerRange
from ingest.endpoint import EXPELLED
from ingest.endpoint_report import reported
from ingest.errors import ForkedChain, NodeBehind, WrongNetwork
from ingest.pins import stored_pins
from ingest.sources import passed
from store.engine import Database
from store.schema import ingest_job, ingest_position, scanned_range
from tests.e2e.matrix.drawn import Drawn, Step, draw
from tests.e2e.matrix.ends import Ends, has_caught_up
from tests.e2e.matrix.indexing import Indexing, deployed
from tests.e2e.matrix.judging import Judge
from tests.e2e.matrix.world import Servers, World

_PATIENCE_SECONDS = 180.0  # without any progress
_PATIENCE_CPU_SECONDS = 60.0
_LOOK_FOR_PROGRESS_SECONDS = 2.0
_LIVE_SECONDS = 0.4
_JOBS_SHOWN = 4
_LOOK_SECONDS = 0.1


class Outcome(NamedTuple):
    """What was wrong, if anything."""

    seed: int
    faults: list[str]


def run(seed: int, folder: Path, template: Path, servers: Servers) -> Outcome:
    """Play the run of a seed. `template`: a migrated database, to be copied."""
    drawn = draw(seed)
    folder.mkdir()
    shutil.copyfile(template, folder / "pausewire.db")
    world = World(drawn, folder, servers)
    database = Database.open(f"sqlite:///{folder / 'pausewire.db'}")
    play = Play(drawn, world, database, folder)
    try:
        return Outcome(seed, play.faults())
    finally:
        play.end()
        database.close()
        world.close()
        shutil.rmtree(folder)


class Patience:
    """How long nothing has changed, by the clock and by this process's own time."""

    def __init__(self, standing: Hashable) -> None:
        self._begin(standing)

    def _begin(self, standing: Hashable) -> None:
        self._standing = standing
        self._since = self._looked_at = time.monotonic()
        self._used = time.process_time()

    def lasts(self, look: Callable[[], Hashable]) -> bool:
        """Whether it is worth waiting on."""
        if time.monotonic() < self._looked_at + _LOOK_FOR_PROGRESS_SECONDS:
            return True
        self._looked_at = time.monotonic()
        if (standing := look()) != self._standing:
            self._begin(standing)
            return True
        waited = time.monotonic() - self._since
        return (
            waited < _PATIENCE_SECONDS or time.process_time() - self._used < _PATIENCE_CPU_SECONDS
        )


class Play:
    """The indexer and its world, step by step."""

    def __init__(self, drawn: Drawn, world: World, database: Database, folder: Path) -> None:
        self._drawn = drawn
        self._world = world
        self._database = database
        self._here = deployed(world, folder / "pausewire.db")
        self._judge = Judge(world, database, self._here.network)
        self._indexing: Indexing | None = None
        self._ends = Ends(world, database, self._here.network, wait=self._wait)

    def end(self) -> None:
        """Stop whoever runs."""
        if self._indexing is not None:
            self._indexing.stop()
            self._indexing = None

    def faults(self) -> list[str]:
        """All steps, then good weather, then the verdict."""
        for step in self._drawn.steps:
            if step.action == "reset":
                return self._after_reset(step)
            if step.action == "switch":
                noticed = self._switched(step)
                if noticed or self._world.has_no_true_node:
                    return noticed or self._judge.faults(excused=self._excused())
            self._take(step)
            found = self._judge.faults(excused=self._excused())
            if found:
                return [f"after {step}", *found]
        self._world.calm()
        self._start()
        found = self._comes_to_rest()
        if self._drawn.two_faced:
            found = found or self._ends.watched() or self._comes_to_rest()
        if found:
            return found
        confirmed = self._is_confirmed()
        found = self._judge.faults(
            excused=frozenset() if confirmed else self._excused(), confirmed=confirmed
        )
        return found or (self._ends.reconciled() if self._drawn.two_faced else [])

    def _is_confirmed(self) -> bool:
        """Have whole ledgers read where there were lies; whether some source had all of them.

        Then no lie is an excuse any more.
        """
        if not self._world.lied_about | self._world.altered:
            return True
        with self._database.begin() as conn:
            asked = [
                jobs.join(conn, kind=jobs.CONFIRM, contract_id=contract_id, ledgers=claim.ledgers)
                for contract_id, claim in self._judge.certificates().items()
                if claim.ledgers is not None
            ]

        def states() -> list[str]:
            with self._database.read() as conn:
                return [each.state for each in jobs.progress(conn, asked) if each.ended]

        self._wait(lambda: len(states()) == len(asked))
        return states() == [jobs.DONE] * len(asked)

    def _excused(self) -> frozenset[str]:
        return frozenset(self._world.lied_about)

    def _start(self) -> None:
        if self._indexing is None:
            self._indexing = Indexing(self._here, self._database)

    def _take(self, step: Step) -> None:
        world = self._world
        if step.action == "outage":
            self.end()
            world.go_on(step.number)
            return
        self._start()
        if step.action == "swap":
            leaving, self._indexing = self._indexing, Indexing(self._here, self._database)
            world.go_on(step.number)
            leaving.stop()
        elif step.action == "archive":
            world.archive(step.number)
        elif step.action == "job":
            self._ask(step.number)
        else:
            self._change(step)
        world.go_on(step.number)
        self._wait_a_moment(self._has_caught_up)

    def _change(self, step: Step) -> None:
        world = self._world
        changes: dict[str, Callable[[], None]] = {
            "back": lambda: world.go_back(step.node, step.number),
            "ahead": lambda: setattr(world.nodes[step.node], "stopped_at", None),
            "shrink": lambda: world.shrink(step.node),
            "hide": lambda: world.hide(step.node),
            "drop": lambda: world.drop(step.node, step.number),
            "fork": lambda: world.fork(step.node),
        }
        if step.action == "fork":  # by the next leadership it has to prove itself
            self._wait(self._knows_its_chain)
            self.end()
        changes.get(step.action, lambda: None)()
        self._start()

    def _ask(self, ledgers: int) -> None:
        with self._database.begin() as conn:
            for contract_id in self._world.contracts:
                last = passed(conn, contract_id)
                if last is not None and last > ledgers:
                    wanted = LedgerRange(last - ledgers, last)
                    jobs.join(conn, kind=jobs.BACKFILL, contract_id=contract_id, ledgers=wanted)

    def _comes_to_rest(self) -> list[str]:
        """Everybody at the tip, all jobs ended, what some source has filled in; or what is not so."""
        if self._wait(self._rests):
            return []
        with self._database.read() as conn:
            newest = select(ingest_job).order_by(ingest_job.c.created_at.desc())
            rows = conn.execute(newest.limit(_JOBS_SHOWN)).all()
            live = ingest_position.c.source.not_like(f"{jobs.JOB_PREFIX}%")
            positions = conn.execute(select(ingest_position).where(live)).all()
        ended = self._indexing and self._indexing.ended
        stands = f"never came to rest: {ended!r}, the newest ledger is {self._world.latest}"
        return [stands, *map(str, self._judge.certificates().values()), *map(str, rows + positions)]

    def _rests(self) -> bool:
        return self._has_caught_up() and not self._at_work() and not self._fillable()

    def _has_caught_up(self) -> bool:
        return has_caught_up(self._database, self._world)

    def _knows_its_chain(self) -> bool:
        with self._database.read() as conn:
            return bool(stored_pins(conn))

    def _at_work(self) -> bool:
        """Whether a job is under way. Gaps that nobody can fill are tried again and again."""
        with self._database.read() as conn:
            return any(job.kind != jobs.HEAL for job in jobs.unfinished(conn))

    def _fillable(self) -> bool:
        """Whether a gap is open that some source could fill, in part at least."""
        return any(
            self._world.has_of(*gap.ledgers)
            for certificate in self._judge.certificates().values()
            for gap in certificate.gaps
            if gap.is_open
        )

    def _switched(self, step: Step) -> list[str]:
        """From now on a node follows another chain: it is set aside, or what is not so."""
        self._start()
        if not self._wait(self._knows_its_chain):
            return ["it pins no ledger"]
        if not self._world.switch(step.node):
            return []
        name = self._world.nodes[step.node].url.removeprefix("http://")
        if not self._wait(lambda: self._is_expelled(name)):
            return [f"nobody noticed that {name} was switched to another chain"]
        ended = self._indexing.ended
        if self._world.has_no_true_node and not isinstance(ended, ForkedChain):
            return [f"a switch ended it by {ended!r}"]
        return []

    def _is_expelled(self, name: str) -> bool:
        if self._world.has_no_true_node:
            return self._indexing.ended is not None
        with self._database.read() as conn:
            return any(
                row.name == name and row.state == EXPELLED for row in conn.execute(reported())
            )

    def _after_reset(self, step: Step) -> list[str]:
        """It stops by itself and has recorded nothing of the new chain, if it knew the old one."""
        self._world.calm()
        self._start()
        if not self._wait(self._knows_its_chain):
            return ["it pins no ledger"]
        self._world.reset(step.number)
        if not self._wait(lambda: self._indexing.ended is not None):
            return ["it follows on after a reset"]
        ended = self._indexing.ended
        if not isinstance(ended, ForkedChain | WrongNetwork | NodeBehind):
            return [f"a reset ended it by {ended!r}"]
        return self._judge.faults(excused=self._excused())

    def _wait(self, holds: Callable[[], bool]) -> bool:
        """Whether it comes to hold while there is progress, or the indexer ends before.

        Patience runs out by this process's own time as well: a busy machine is no fault of the indexer.
        """
        patience = Patience(self._standing())
        while not holds():
            if self._indexing is None or self._indexing.ended or not patience.lasts(self._standing):
                return holds()
            time.sleep(_LOOK_SECONDS)
        return True

    def _wait_a_moment(self, holds: Callable[[], bool]) -> None:
        """Until it holds, but not for long."""
        ends_at = time.monotonic() + _LIVE_SECONDS
        while time.monotonic() < ends_at and not holds():
            time.sleep(_LOOK_SECONDS)

    def _standing(self) -> Hashable:
        """What changes with each page of following, healing or any other job; new tries are none."""
        live = ingest_position.c.source.not_like(f"{jobs.JOB_PREFIX}%")
        positions = select(ingest_position.c.cursor, ingest_position.c.through).where(live)
        asked = select(ingest_job.c.id, ingest_job.c.updated_at).where(
            ingest_job.c.kind != jobs.HEAL
        )
        with self._database.read() as conn:
            rows = [conn.execute(each).all() for each in (positions, asked, select(scanned_range))]
        return tuple(tuple(map(tuple, each)) for each in rows)
