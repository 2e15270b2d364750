"""Settings of signing in as a contract account, by SEP-45."""

import base64
import binascii
from typing import Self

from pydantic import SecretStr, field_validator, model_validator

from config.fields import Section, setting

_SEED_VERSION = 18 << 3  # SEP-23: S…
_SEED_BYTES = 1 + 32 + 2


def _is_seed(text: str) -> bool:
    try:
        raw = base64.b32decode(text)
    except (binascii.Error, ValueError):
        return False
    checksum = binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little")
    return len(raw) == _SEED_BYTES and raw[0] == _SEED_VERSION and raw[-2:] == checksum


class WebAuthSettings(Section):
    """How contract accounts (C…, smart wallets) sign in: SEP-45, simulated at `network.rpc_urls`."""

    contract_id: str | None = setting(
        None,
        "contract that implements `web_auth_verify`, WEB_AUTH_CONTRACT_ID in stellar.toml;"
        " none: contract accounts cannot sign in",
        pattern="^C[A-Z2-7]{55}$",
    )
    signing_key: SecretStr | None = setting(
        None,
        "seed (S…) of the account that signs our half of a challenge, SIGNING_KEY in stellar.toml;"
        " it needs no funds and must be used for nothing else",
    )

    @field_validator("signing_key")
    @classmethod
    def _signing_key_is_one(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_seed(value.get_secret_value()):
            raise ValueError("give the seed of an account: S and 55 more characters")
        return value

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.contract_id is None) != (self.signing_key is None):
            raise ValueError("give both contract_id and signing_key, or neither")
        return self
