"""A follower of a scripted RPC on a real database."""

import asyncio

from domain.values import network_id
from ingest.actors.seek import ActorSeeker, SeekOptions
from ingest.cursors import needed_ledger
from ingest.follow import LiveFollow
from ingest.follow_options import FollowOptions
from ingest.gaps import GapRecorder
from ingest.job_closer import JobCloser
from ingest.judge import Judge
from ingest.record import Recorder
from ingest.reprocess import Reprocessor
from ingest.states import StateCache
from ingest.writers import Writers
from store import log
from store.lease import Lease
from tests.fakes import chain
from tests.fakes.pages import PROFILE, KnownTranslations
from tests.fakes.scripted_rpc import PASSPHRASE

NETWORK = network_id(PASSPHRASE)
LEASE_SECONDS = 2.0  # a loaded machine stands still for longer than one may wish


class Indexer:
    """A follower of a scripted RPC; runs until the script is told and recorded."""

    def __init__(self, database, rpc, *, start=1, holder="a", known=None, yield_seconds=20.0):
        self.database = database
        self.known = known or KnownTranslations()
        cache = StateCache(NETWORK)
        self.rpc = rpc
        self.lease = Lease(database, name="index", holder=holder, seconds=LEASE_SECONDS)
        judge = Judge(self.known, cache)
        self.recorder = Recorder(database, judge=judge, cache=cache, slice_events=100)
        self.seeker = ActorSeeker(
            database,
            rpc=rpc,
            recorder=self.recorder,
            lease=self.lease,
            options=SeekOptions(network=NETWORK, authorities={}, poll_seconds=0.01),
        )
        self.follow = LiveFollow(
            database,
            rpc=rpc,
            actors=self.seeker,
            writers=Writers(
                recorder=self.recorder,
                gaps=GapRecorder(database, cache=cache, margin_ledgers=10),
                jobs=JobCloser(database, cache),
                reprocessor=Reprocessor(
                    database,
                    judge=judge,
                    recorder=self.recorder,
                    cache=cache,
                    labels={chain.CONTRACT: PROFILE},
                ),
            ),
            lease=self.lease,
            options=FollowOptions(
                passphrase=PASSPHRASE,
                start_ledgers={chain.CONTRACT: start},
                poll_seconds=0.01,
                page_limit=1000,
                lease_seconds=LEASE_SECONDS,
                margin_ledgers=10,
                yield_seconds=yield_seconds,
            ),
        )

    async def run(self, *, events=0, at=0):
        """Follow until the script is told, so many events are recorded and a ledger is reached."""
        stop = asyncio.Event()
        polls = iter(range(3))

        def on_idle():
            told = next(polls, None) is None
            if told and len(self.events()) >= events and (not at or self.stands_at() >= at):
                stop.set()

        self.rpc.on_idle = on_idle
        async with asyncio.timeout(60):
            await self.follow.run(stop)

    def events(self):
        with self.database.read() as conn:
            return [recorded.event for recorded in log.read_after(conn, 0, 1000)]

    def cursors(self):
        with self.database.read() as conn:
            return {
                row.cursor for row in conn.exec_driver_sql("SELECT cursor FROM ingest_position")
            }

    def stands_at(self):
        with self.database.read() as conn:
            (row,) = conn.exec_driver_sql("SELECT cursor FROM ingest_position").all()
        return needed_ledger(row.cursor)
