"""All configured contracts looked up at once: is each what its profile expects."""

from collections.abc import Mapping

from cli.asking import endpoints
from cli.wiring import Deployment
from ingest.contract_check import Finding, examine
from ingest.instance import fetch_instances
from ingest.profiles.shapes import Profile
from ingest.sources import passed
from store.engine import Database


async def findings_of(
    here: Deployment, database: Database, profiles: Mapping[str, Profile]
) -> dict[str, list[Finding]]:
    """What there is to say about each configured contract. Raises IngestError, StoreError."""
    passphrase = here.settings.network.passphrase
    async with endpoints(here.settings) as rpc:
        await rpc.check_network(passphrase)
        health = await rpc.health()
        instances = await fetch_instances(rpc, list(profiles))
    with database.read() as conn:
        return {
            each.id: examine(
                instances.get(each.id),
                profiles[each.id],
                passphrase,
                start=each.start_ledger,
                health=health,
                followed_to=passed(conn, each.id),
            )
            for each in here.settings.network.contracts
        }
