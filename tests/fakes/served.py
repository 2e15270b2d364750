"""The API over a real database: recorded facts, followed and planned, asked through ASGI."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx

from api import keys, sessions
from api.app import create_app
from api.dependencies import ApiDependencies
from projections.follow import projections_follower
from store.bulk import insert_many
from store.clock import now_micros
from store.engine import Database
from store.schema import ledger_close, scanned_range
from tests.fakes.chain import CONTRACT, EMPLOYEE, GENESIS
from tests.fakes.guests import EVERYBODY
from tests.fakes.planning import NETWORK, World


class Served:
    """A world whose API can be asked; `asks` sends a key with every scope unless told otherwise."""

    def __init__(self, database: Database, **changes: Any) -> None:
        self.world = World(database)
        self.database = database
        self.key = self.make_key(*keys.SCOPES)
        self.given = replace(
            ApiDependencies(
                database=database,
                vault=self.world.vault,
                network=NETWORK,
                contracts=(CONTRACT,),
                version="0.0.test",
                guests=EVERYBODY,
                metrics_networks=(ip_network("127.0.0.0/8"),),
            ),
            **changes,
        )
        self.app = create_app(self.given)
        self.client_address = "127.0.0.1"

    def make_key(self, *scopes: str, account: str | None = EMPLOYEE, **more: Any) -> str:
        with self.database.begin() as conn:
            return keys.create_key(conn, name="test", scopes=scopes, account=account, **more).key

    def make_session(self, account: str) -> str:
        """The token of somebody who signed in."""
        with self.database.begin() as conn:
            return sessions.open_session(
                conn,
                self.world.vault,
                account,
                issuer=self.given.domain,
                seconds=3600,
                now=now_micros(),
            ).token

    def tell(self, *facts: Any, job: str | None = None) -> None:
        """Record, follow and plan facts."""
        self.world.record(*facts, job=job)
        self.follow()

    def follow(self) -> None:
        follower = projections_follower(self.database)
        while follower.step():
            pass
        self.world.plan()

    def scanned(self, first: int, last: int, contract: str = CONTRACT) -> None:
        """Say that ledgers were scanned; the last one's close time is stored."""
        with self.database.begin() as conn:
            insert_many(
                conn,
                scanned_range,
                ("contract_id", "from_ledger", "to_ledger"),
                [(contract, first, last)],
                on_conflict="error",
            )
        self.closed(first, last)

    def closed(self, *ledgers: int) -> None:
        """Store close times of ledgers: one every five seconds."""
        rows = [(ledger, GENESIS + ledger * 5) for ledger in ledgers]
        with self.database.begin() as conn:
            insert_many(conn, ledger_close, ("ledger", "closed_at"), rows, on_conflict="nothing")

    @asynccontextmanager
    async def client(self, address: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client that asks from an address."""
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=False, client=(address or self.client_address, 4711)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            yield client
        await self.database.close_async()

    async def ask(
        self, path: str, *, key: str | None = "", method: str = "GET", **more: Any
    ) -> httpx.Response:
        """One request; `key` None: without one, empty: the key with every scope."""
        async with self.client() as client:
            headers = dict(more.pop("headers", {}))
            if key is not None:
                headers["Authorization"] = f"Bearer {key or self.key}"
            return await client.request(method, path, headers=headers, **more)

    async def walk(self, path: str, limit: int, key: str | None = None) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        async with self.client() as client:
            while True:
                params = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
                url = httpx.URL(path).copy_merge_params(params)
                answer = await client.get(
                    url, headers={"Authorization": f"Bearer {key or self.key}"}
                )
                assert answer.status_code == 200, answer.text
                page = answer.json()
                assert len(page["items"]) <= limit
                items += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    return items


def ids(items: Sequence[dict[str, Any]], name: str) -> list[Any]:
    return [item[name] for item in items]
