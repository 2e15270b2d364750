"""Which profile reads which contract: those of the settings, and those added while running."""

import structlog
from sqlalchemy import Connection

from cli.wiring import Deployment
from ingest import followed
from ingest.decode import ContractEvent
from ingest.errors import ProfileInvalid
from ingest.followed import Wanted
from ingest.profiles.loader import load_profile
from ingest.profiles.shapes import Profile
from ingest.translate import Quarantined, Translation, translate

_LOG = structlog.get_logger()


class ContractTranslator:
    """Reads each contract's events by its own profile."""

    def __init__(self, profiles: dict[str, Profile]) -> None:
        self._profiles = profiles

    def __call__(self, event: ContractEvent, wasm: str | None) -> Translation:
        """Translate one event; an event of a contract that is not followed is kept apart."""
        profile = self._profiles.get(event.contract_id)
        if profile is None:
            return Quarantined("the contract is not followed", None)
        return translate(profile, event, wasm)

    def reads_alike(self, contract_id: str, wasm: str | None, other: str | None) -> bool:
        """Whether a contract's events read the same under both."""
        profile = self._profiles.get(contract_id)
        return profile is None or profile.section(wasm) is profile.section(other)

    @property
    def labels(self) -> dict[str, str]:
        """Name@version of the profile of each contract."""
        return {contract_id: profile.label for contract_id, profile in self._profiles.items()}


def profiles_of(here: Deployment) -> dict[str, Profile]:
    """The profile of each configured contract. Raises ProfileInvalid."""
    contracts = here.settings.network.contracts
    loaded = {name: load_profile(name) for name in {contract.profile for contract in contracts}}
    return {contract.id: loaded[contract.profile] for contract in contracts}


def added_contracts(profiles: dict[str, Profile]) -> Wanted:
    """What `contracts add` named, with its profile in `profiles`; without a profile it has to wait."""
    named = frozenset(profiles)
    loaded: dict[str, str] = {}
    by_name: dict[str, Profile] = {}

    def added(conn: Connection) -> dict[str, int | None]:
        starts: dict[str, int | None] = {}
        for each in followed.added(conn):
            if each.contract_id in named:
                continue
            if loaded.get(each.contract_id) != each.profile:
                try:
                    known = by_name.get(each.profile) or load_profile(each.profile)
                except ProfileInvalid as fault:
                    _LOG.warning(
                        "contract_not_followed", contract_id=each.contract_id, reason=str(fault)
                    )
                    continue
                profiles[each.contract_id] = by_name[each.profile] = known
                loaded[each.contract_id] = each.profile
            starts[each.contract_id] = each.start_ledger
        return starts

    return added
