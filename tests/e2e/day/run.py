"""One day: a network, a deployment, people, events and kills in step, then rest and the judge's report."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import redis
from sqlalchemy import make_url

from cli.verdict import judge_recorded
from cli.wiring import Deployment
from config.layers import load
from notifier import suppression
from notifier.contact_file import write_contacts
from simulator.network import SimulatedNetwork, running
from simulator.options import SimulatorOptions
from simulator.truth import read_truth
from store.clock import now_micros
from tests.e2e.day.caretaker import Caretaker
from tests.e2e.day.crew import Crew
from tests.e2e.day.events import Script
from tests.e2e.day.hooks import NOBODY, subscribe
from tests.e2e.day.nursery import nursery
from tests.e2e.day.people import Person, drawn
from tests.e2e.day.reading import read_evidence
from tests.e2e.day.report import Report
from tests.e2e.day.size import Size
from tests.e2e.day.surroundings import moods_of, settings_of
from tests.e2e.day.watch import Watch
from tests.e2e.harness import LEDGER_SECONDS, BackEnd, Site, until
from tests.services import free_port

_WORKERS = 2
_CREATE_SECONDS = 600
_EVENTS_A_SECOND = 40


class Day:
    """A day under way on a site."""

    def __init__(self, site: Site, size: Size, back_end: BackEnd) -> None:
        self._site, self._size, self._back_end = site, size, back_end
        self._script = Script(site.network, size)
        self._watch = Watch(site)
        self._caretaker = Caretaker(back_end.database_url)
        self._flushes = 0
        network = site.network
        self._people = drawn(network.cast, size.seed, datetime.now(UTC), network.web_url)
        self._subscribed = NOBODY
        site.environment |= settings_of(size, free_port())
        site.run("db", "upgrade")
        deployment = Deployment(load(site.environment))
        with closing(deployment.database):
            self._vault = deployment.vault

    def play(self) -> Report:
        """From the first contact to the report."""
        began = time.monotonic()
        self._introduce()
        for command in ("api", "index", "index"):
            self._site.start(command)
        with (
            nursery(self._site.folder, self._site.environment) as born,
            closing(Crew(born, workers=_WORKERS, seed=self._size.seed)) as crew,
        ):
            self._hire()
            self._go_through(crew)
            self._rest(crew)
        report = Report(
            size=self._size._asdict(),
            broker=make_url(self._back_end.broker_url).drivername,
            seconds=time.monotonic() - began,
            kills=crew.kills,
            flushes=self._flushes,
        )
        self._judge(report)
        return report

    def _introduce(self) -> None:
        """Import the roster, put some places on the suppression list, and subscribe webhooks."""
        roster = self._site.folder / "roster.csv"
        with roster.open("w", encoding="utf-8", newline="") as file:
            lines = (person.line for person in self._people.values())
            write_contacts(lines, file, with_wishes=True)
        self._site.run("recipients", "import", str(roster))
        with self._site.database.begin() as conn:
            for channel, place in _suppressed(self._people.values()):
                lookup = self._vault.destination_lookup(channel, place)
                reason = suppression.OPERATOR
                suppression.put(conn, channel, lookup, reason, source="operator", at=now_micros())
            people = self._people.items()
            hooks = {account: each.hook for account, each in people if each.hook is not None}
            web_url = self._site.network.web_url
            self._subscribed = subscribe(conn, self._vault, hooks, web_url)

    def _hire(self) -> None:
        network, streams = self._site.network, self._size.streams
        self._wait_for_streams(network, streams)
        self._script.hire()
        self._wait_for_streams(network, self._script.streams)

    def _wait_for_streams(self, network: SimulatedNetwork, streams: int) -> None:
        def are_there() -> bool:
            return len(read_truth(network.truth_path)) >= streams

        until(are_there, seconds=_CREATE_SECONDS, what=f"{streams} streams")

    def _go_through(self, crew: Crew) -> None:
        """Events and kills in step, so that each kill falls into the day's work."""
        script, size = self._script, self._size
        next_event = 0.0
        while script.events < size.events or crew.kills < size.kills:
            now = time.monotonic()
            behind = crew.kills * size.events <= script.events * size.kills
            crew.look(may_kill=crew.kills < size.kills and behind and self._watch.is_at_work())
            allowed = (crew.kills + 1) * size.events // max(1, size.kills)
            if now >= next_event and script.events < allowed:
                if not self._watch.is_busy(4 * size.recipients):
                    script.go_on(max(1, int(_EVENTS_A_SECOND * LEDGER_SECONDS)))
                next_event = now + LEDGER_SECONDS
            self._watch.look()
            self._caretaker.look()
            if not self._flushes and crew.kills * 2 >= size.kills:
                self._flush()
            time.sleep(0.05)

    def _flush(self) -> None:
        """Redis loses all that it had, once."""
        if self._back_end.broker_url.startswith("redis"):
            with redis.Redis.from_url(self._back_end.broker_url) as client:
                client.flushdb()
            self._flushes += 1

    def _rest(self, crew: Crew) -> None:
        def at_rest() -> bool:
            crew.look(may_kill=False)
            self._watch.look()
            self._caretaker.look()
            return self._watch.is_at_rest()

        time.sleep(3 * LEDGER_SECONDS)
        seconds = 600 + self._size.events // 10
        until(at_rest, seconds=seconds, what="everything due told")

    def _judge(self, report: Report) -> None:
        site, state_dir = self._site, self._site.network.options.state_dir
        with site.database.read() as conn:
            verdict = judge_recorded(conn, state_dir, site.network.contract_id)
            told = (self._people, self._watch.seen, self._subscribed)
            evidence = read_evidence(conn, self._vault, state_dir, *told)
        report.judge(evidence, verdict)


def _suppressed(people: Iterator[Person]) -> Iterator[tuple[str, str]]:
    for person in people:
        for channel in sorted(person.suppressed):
            yield channel, person.places[channel]


@contextmanager
def day(folder: Path, back_end: BackEnd, size: Size) -> Iterator[Day]:
    """A network of the size, whose providers have their moods, and a deployment that follows it."""
    options = SimulatorOptions(
        state_dir=folder / "simulator",
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        streams=size.streams,
        seed=size.seed,
        ledger_seconds=LEDGER_SECONDS,
        scenario="quiet",
        moods=moods_of(size.seed),
    )
    with running(options) as network:
        site = Site(network, folder, back_end)
        try:
            yield Day(site, size, back_end)
        finally:
            site.close()
