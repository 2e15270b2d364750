"""Settings of the network that is followed: its name, its RPC endpoints, the contracts."""

from typing import Literal

from pydantic import SecretStr, field_validator

from config.contract_settings import ContractSettings
from config.fields import Section, checked_secret_url, checked_url, setting


class NetworkSettings(Section):
    """The one Stellar network that this deployment follows."""

    passphrase: str = setting(
        "Public Global Stellar Network ; September 2015",
        "passphrase of the followed network; every RPC endpoint must give the same one",
        reload="never",
    )
    rpc_urls: tuple[SecretStr, ...] = setting(
        (), "Stellar RPC endpoints, the preferred one first; masked, since paths often carry a key"
    )
    lake_url: str | None = setting(
        None,
        "data lake of past ledgers as Galexie writes it (SEP-54), asked where no RPC has them:"
        " `file:///folder`, `s3://bucket/prefix`, `gs://…` or `https://…`; none by default",
    )
    requests_per_minute: int | None = setting(
        None,
        "most requests that one process sends to each RPC endpoint; more of them wait; none: no limit",
        unit="requests",
        ge=1,
        le=1_000_000,
    )
    cross_check: Literal["off", "sample", "always"] = setting(
        "off",
        "ask a second endpoint for the same events and compare: one page in ten, or every one;"
        " needs two `rpc_urls`",
    )
    pinned_ledger: str | None = setting(
        None,
        "`SEQUENCE:HASH` of a ledger that every endpoint must have had: tells a reset test network"
        " or a fork; by default the indexer keeps such ledgers by itself",
        pattern="^[1-9][0-9]{0,9}:[0-9a-f]{64}$",
    )
    contracts: tuple[ContractSettings, ...] = setting(
        (),
        "contracts to follow, each with `id`, `profile` and, if wanted, `start_ledger` and `authorities`",
    )

    @field_validator("rpc_urls")
    @classmethod
    def _rpc_urls_are_http(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(checked_secret_url(one, "https", "http") for one in urls)

    @field_validator("lake_url")
    @classmethod
    def _lake_url_is_supported(cls, value: str | None) -> str | None:
        return value and checked_url(value, "file", "s3", "gs", "https", host=False)

    @field_validator("contracts")
    @classmethod
    def _contracts_are_distinct(
        cls, contracts: tuple[ContractSettings, ...]
    ) -> tuple[ContractSettings, ...]:
        if len({contract.id for contract in contracts}) < len(contracts):
            raise ValueError("a contract is listed twice: list each id once")
        return contracts
