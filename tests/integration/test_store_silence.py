"""A host that freezes inside a write transaction does not keep its locks for ever."""

import os
import signal
import subprocess
import sys

import pytest

from store import postgresql
from store.engine import Database
from store.lease import Lease
from tests.e2e.harness import until

FROZEN = """
import sys, time
from store import postgresql
from store.engine import Database
from store.lease import Lease
postgresql.SILENCE_SECONDS = 2
lease = Lease(database := Database.open(sys.argv[1]), name="index", holder="frozen", seconds=1)
lease.acquire()
with database.begin(durable=False) as conn:
    lease.renew(conn)
    print("inside", flush=True)
    time.sleep(60)
"""


@pytest.mark.postgres
def test_a_standby_takes_over_from_a_leader_that_froze_inside_t1(postgres_url):
    assert postgresql.SILENCE_SECONDS <= 10
    frozen = subprocess.Popen([sys.executable, "-c", FROZEN, postgres_url], stdout=subprocess.PIPE)
    database = Database.open(postgres_url)
    try:
        assert frozen.stdout.readline() == b"inside\n"
        os.kill(frozen.pid, signal.SIGSTOP)
        standby = Lease(database, name="index", holder="standby", seconds=1)
        until(lambda: standby.acquire() is not None, seconds=20, what="the lease")
    finally:
        frozen.kill()
        frozen.wait()
        frozen.stdout.close()
        database.close()
