"""`pausewire openapi`: the API's own document, for whoever generates a client from it."""

import json
import tempfile
from importlib.metadata import version

import typer

from api.app import create_app
from api.dependencies import ApiDependencies
from domain.values import network_id
from notifier.guests import everybody
from notifier.privacy import KEY_BYTES, Vault
from store.engine import Database


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("openapi")(openapi)


def openapi() -> None:
    """Print what GET /openapi.json of this version answers; nothing needs to run for it."""
    with tempfile.TemporaryDirectory(prefix="pausewire-openapi-") as folder:
        database = Database.open(f"sqlite:///{folder}/none.db")
        given = ApiDependencies(
            database=database,
            vault=Vault(bytes(KEY_BYTES)),
            network=network_id(""),
            contracts=(),
            version=version("pausewire"),
            guests=everybody(""),
        )
        document = create_app(given).openapi()
        database.close()
    print(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True))
