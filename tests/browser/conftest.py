"""The page in a real browser, over a real server and a real database that a test tells what happens."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
import uvloop
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.keys import STREAMS_READ
from api.sessions import open_session
from api.shown import rfc3339
from store.clock import now_micros
from store.schema import ledger_close
from tests.browser.wallets import Answers, install, keep_session
from tests.fakes import chain
from tests.fakes.chain import CONTRACT
from tests.fakes.controlled import Network
from tests.fakes.served import Served

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE = 30_000  # milliseconds
WEB_PUSH_KEY = "BP" + "A" * 85  # enough for the page to offer this browser as a place
NEWEST = 500  # the ledger that closed just now

expect.set_options(timeout=PATIENCE)


class Site:
    """The served page and the world behind it."""

    def __init__(self, served: Served, port: int) -> None:
        self.served = served
        self.url = f"http://127.0.0.1:{port}"
        self.stream = f"#/stream/{CONTRACT}/7"
        self.network = Network()

    def tell(self, *facts: object) -> None:
        self.served.tell(*facts)

    def session_of(self, account: str) -> str:
        """What the page keeps of a session that begins now, as JSON."""
        given, now = self.served.given, now_micros()
        with self.served.database.begin() as conn:
            begun = open_session(
                conn, given.vault, account, issuer=given.domain, seconds=3600, now=now
            )
        kept = {"token": begun.token, "account_id": account}
        return json.dumps(kept | {"expires_at": rfc3339(begun.expires_at)})

    def stale(self, seconds: int = 3600) -> None:
        """The newest ledger closed so long ago, the others before it, five seconds apart."""
        at = now_micros() // 1_000_000 - seconds
        closed_at = at - (NEWEST - ledger_close.c.ledger) * 5
        with self.served.database.begin() as conn:
            conn.execute(ledger_close.update().values(closed_at=closed_at))


@contextmanager
def serving(served: Served) -> Iterator[Site]:
    """Serve on a loop of its own: the browser's driver keeps one in this thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(served.app, log_level="error", timeout_graceful_shutdown=1)
        server, stop = uvicorn.Server(config), threading.Event()

        async def serve() -> None:
            running = asyncio.create_task(server.serve([listening]))
            await asyncio.to_thread(stop.wait)
            await served.app.state.feed.close()
            server.should_exit = True
            await running

        thread = threading.Thread(target=lambda: uvloop.run(serve()), daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)
        try:
            yield Site(served, listening.getsockname()[1])
        finally:
            stop.set()
            thread.join(30)


@pytest.fixture
def site(sqlite_database) -> Iterator[Site]:
    """One stream, number 7: paused, resumed, paused; another one, number 8, that flows."""
    network = Network()
    served = Served(
        sqlite_database,
        sandbox_key=None,
        feed_poll_seconds=0.1,
        control=network,
        web_push_key=WEB_PUSH_KEY,
    )
    served.scanned(1, NEWEST)
    served.tell(
        *(chain.created(100), chain.paused(110), chain.resumed(120), chain.paused(130)),
        *(chain.created(140, stream_id=8),),
    )
    with serving(served) as made:
        made.network = network
        made.stale(0)
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Opens the page at a place, with a key; at the end no page may have met an error of its own.

    `account`: who is signed in there; `wallet`: what its browser has installed.
    """
    contexts, broken = [], []

    def open_at(
        place: str = "",
        *,
        key: str | None = "",
        base: str = "",
        account: str | None = None,
        wallet: Answers | None = None,
        **options: object,
    ) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if key is not None:
            value = key or site.served.key
            context.add_init_script(f"sessionStorage.setItem('pausewire.key', '{value}')")
        if account is not None:
            keep_session(context, site.session_of(account))
        if wallet is not None:
            install(context, wallet)
        page = context.new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda said: broken.append(said.text) if "Policy" in said.text else None)
        page.goto(f"{base or site.url}/{place}")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert broken == []


@pytest.fixture
def reader(site: Site) -> str:
    """A key that may read streams, and nothing else."""
    return site.served.make_key(STREAMS_READ)
