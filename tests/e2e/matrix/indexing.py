"""The indexer under test: the index role as `pausewire index` wires it, on a thread of this process."""

import json
import threading
from functools import cache
from pathlib import Path

from cli.indexing import follow_role
from cli.wiring import Deployment
from config.layers import load
from ingest.profiles.loader import load_profile
from ingest.profiles.shapes import Profile
from store.engine import Database
from tests.e2e.matrix.world import PASSPHRASE, World

_END_SECONDS = 60
_PROFILES = ("paystream", "openzeppelin-pausable")


@cache
def profile(name: str) -> Profile:
    """Read once: all runs share them."""
    return load_profile(name)


def deployed(world: World, database: Path) -> Deployment:
    """A deployment that follows both contracts of a world, with little patience."""
    drawn = world.drawn
    start = world.chain.oldest.sequence + 10
    contracts = [
        {"id": each, "profile": name, "start_ledger": start}
        for each, name in zip(world.contracts, _PROFILES, strict=True)
    ]
    settings = {
        "ENVIRONMENT": "development",
        "SIMULATOR__ENABLED": "false",
        "DATABASE__URL": f"sqlite:///{database}",
        "NETWORK__PASSPHRASE": PASSPHRASE,
        "NETWORK__RPC_URLS": json.dumps([node.url for node in world.nodes]),
        "NETWORK__CONTRACTS": json.dumps(contracts),
        "NETWORK__CROSS_CHECK": drawn.cross_check,
        "INGEST__POLL_SECONDS": "0.1",
        "INGEST__LEASE_SECONDS": "3",
        "INGEST__SLICE_EVENTS": str(drawn.slice_events),
        "INGEST__PAGE_LIMIT": str(drawn.page_limit),
        "INGEST__RETENTION_MARGIN_LEDGERS": str(drawn.margin),
        "RECONCILE__HOURS": "0",
    }
    if drawn.lake != "none":
        settings["NETWORK__LAKE_URL"] = f"file://{world.lake_folder}"
    return Deployment(load({f"PAUSEWIRE_{name}": value for name, value in settings.items()}))


class Indexing:
    """One index role that follows; `ended`: what ended it, once something has."""

    def __init__(self, here: Deployment, database: Database) -> None:
        self.ended: BaseException | None = None
        self._stop = threading.Event()
        names = {each.id: each.profile for each in here.settings.network.contracts}
        profiles = {contract_id: profile(name) for contract_id, name in names.items()}
        self._role = follow_role(here, database, profiles)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            self._role.run(self._stop)
        except BaseException as error:  # noqa: BLE001 # whatever ended it is what is judged
            self.ended = error

    def stop(self) -> None:
        """As a supervisor would; it must end."""
        self._stop.set()
        self._thread.join(_END_SECONDS)
        if self._thread.is_alive():
            raise AssertionError(f"the indexer did not end within {_END_SECONDS} s")
