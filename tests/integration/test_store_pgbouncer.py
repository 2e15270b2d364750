"""Everything works behind PgBouncer in transaction pooling: no session is kept between transactions."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, select, text

from domain.contract import RangeFilled
from store import schema
from store.engine import Database
from store.follower import Follower
from store.lease import Lease
from store.log import append_rows, head
from store.mapper import encode
from store.migrate import current
from store.wake import LOG
from tests.fakes.chain import CONTRACT
from tests.services import free_port, listens, missing

pytestmark = pytest.mark.postgres

INI = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""


@pytest.fixture
def pooled_url(postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """The database through a PgBouncer that gives each transaction any of three connections."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        missing("PgBouncer", "PATH so that it finds the program pgbouncer")
    url = make_url(postgres_url)
    host = url.host or url.query["host"]
    settings = {"host": host, "port": url.port, "user": url.username, "password": url.password}
    server = " ".join(f"{name}={value}" for name, value in settings.items() if value)
    port = free_port()
    ini = tmp_path / "pgbouncer.ini"
    ini.write_text(INI.format(server=server, port=port))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    bouncer = subprocess.Popen([program, "-q", *_as_user(str(host)), str(ini)])
    try:
        deadline = time.monotonic() + 5
        while not listens("127.0.0.1", port):
            assert bouncer.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pooled = url.set(host="127.0.0.1", port=port, query={})
        yield pooled.render_as_string(hide_password=False)
    finally:
        bouncer.terminate()
        bouncer.wait(timeout=5)


def _as_user(host: str) -> list[str]:
    """It refuses to run as root; a server's socket folder is open to its owner only."""
    if os.getuid() != 0:
        return []
    return ["-u", Path(host).owner() if host.startswith("/") else "nobody"]


def append_some(database: Database, transactions: int) -> None:
    for size in range(1, transactions + 1):
        told = encode(RangeFilled(uuid4(), 1, "job", CONTRACT, 1, 2))
        rows = [(uuid4(), 1, *told) for _ in range(size)]
        with database.begin(durable=False) as conn:
            append_rows(conn, rows, recorded_at=1)
            database.bell.ring(conn, LOG)


def test_writers_followers_and_wake_ups_work_through_the_pooler(pooled_url, postgres_url):
    databases = [Database.open(pooled_url, direct_url=postgres_url, pool_size=3) for _ in range(4)]
    seen: list[int] = []
    follower = Follower(
        databases[0],
        name="test",
        apply=lambda _, chunk: seen.extend(each.position for each in chunk),
        chunk_events=50,
        durable=False,
        poll_seconds=0.2,
        killpoint="in_project",
    )
    stop = threading.Event()
    following = threading.Thread(target=follower.run, args=(stop,))
    writers = [threading.Thread(target=append_some, args=(each, 40)) for each in databases[1:]]
    following.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    total = 3 * sum(range(1, 41))
    deadline = time.monotonic() + 20
    while len(seen) < total and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    following.join(10)
    with databases[0].read() as conn:
        assert head(conn) == total
    assert seen == list(range(1, total + 1))
    for database in databases:
        database.close()


def test_a_lease_has_one_holder_through_the_pooler(pooled_url):
    one, two = Database.open(pooled_url), Database.open(pooled_url)
    first = Lease(one, name="ingest", holder="one", seconds=60)
    second = Lease(two, name="ingest", holder="two", seconds=60)
    assert (first.acquire(), second.acquire()) == (1, None)
    with one.begin() as conn:
        first.renew(conn)
    one.close()
    two.close()


def test_no_setting_of_a_transaction_reaches_the_next(pooled_url):
    database = Database.open(pooled_url)
    for _ in range(6):  # every connection of the pooler, at least once
        with database.begin(durable=False) as conn:
            conn.execute(select(schema.log_head))
        with database.begin() as conn:
            assert conn.execute(text("SHOW synchronous_commit")).scalar() == "on"
        with database.read() as conn:
            assert conn.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
    database.close()


async def test_coroutines_read_through_the_pooler(pooled_url):
    database = Database.open(pooled_url)
    engine = database.async_engine()
    for _ in range(6):
        async with engine.connect() as conn:
            assert (await conn.execute(select(schema.log_head.c.position))).scalar_one() == 0
    await engine.dispose()
    database.close()


def test_the_revision_is_read_through_the_pooler(pooled_url, postgres_url):
    assert current(pooled_url) == current(postgres_url) is not None
