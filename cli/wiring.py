"""The composition root: from settings to the objects that the roles of a process are made of."""

import socket
import uuid
from dataclasses import dataclass
from functools import cached_property

from api.sandbox_wallet import SandboxWallet
from cli import logs
from cli.output import refuse
from config.layers import Loaded, load
from config.secrets import master_key
from config.settings import Settings
from domain.values import NetworkId, network_id
from notifier.opening import open_vault
from notifier.privacy import Vault
from store import migrate
from store.engine import Database


def process_name() -> str:
    """Who we are in leases, claims and logs: host and a number that no other process has."""
    return f"{socket.gethostname()}:{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Deployment:
    """The settings of one deployment, and what is opened once per process.

    `sandbox_key`: the API key of a development start, for the page that it serves; `sandbox_wallet`: signs
    there as people of the simulated network.
    """

    loaded: Loaded
    sandbox_key: str | None = None
    sandbox_wallet: SandboxWallet | None = None

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.loaded.settings

    @cached_property
    def network(self) -> NetworkId:
        """The id of the one network that is followed."""
        return network_id(self.settings.network.passphrase)

    @cached_property
    def master_key(self) -> bytes:
        """The key that wraps recipients' keys. Raises ConfigurationError."""
        return master_key(self.settings)

    @cached_property
    def database_url(self) -> str:
        """The database's URL, secret included."""
        url = self.settings.database.url
        if url is None:
            refuse(
                "database.url is not set: set PAUSEWIRE_DATABASE__URL to postgresql+psycopg://…"
                " or sqlite:///…"
            )
        return url.get_secret_value()

    @cached_property
    def database(self) -> Database:
        """The open database."""
        direct = self.settings.database.direct_url
        return Database.open(
            self.database_url,
            pool_size=self.settings.database.pool_size,
            direct_url=None if direct is None else direct.get_secret_value(),
        )

    @cached_property
    def vault(self) -> Vault:
        """What opens recipients' data. Raises ConfigurationError, WrongMasterKey."""
        return open_vault(self.migrated_database(), self.master_key)

    def migrated_database(self) -> Database:
        """The open database; one that is new or behind is brought up to date first."""
        if migrate.is_behind(self.database):
            migrate.upgrade(self.database_url)
        return self.database


def deployment() -> Deployment:
    """Load the settings and set logging up. Raises ConfigurationError."""
    loaded = load()
    logs.configure(loaded.settings)
    return Deployment(loaded)
