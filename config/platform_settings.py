"""Settings of what surrounds the path: storage, secrets, telemetry, the simulated network."""

import base64
import binascii
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, field_validator

from config.fields import Section, checked_url, seconds, setting, tcp_port

MASTER_KEY_BYTES = 32


def decoded_master_key(text: str) -> bytes:
    """Decode a master key. Raises ValueError that never shows it."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError("give base64 of 32 random bytes, such as `openssl rand -base64 32` prints")
    return key


class SecretsSettings(Section):
    """Where our own keys come from."""

    provider: Literal["environment", "file", "development"] = setting(
        "environment",
        "`environment`: from `secrets.master_key`; `file`: from `secrets.directory`;"
        " `development`: made once under `state_dir`",
    )
    master_key: SecretStr | None = setting(
        None,
        "wraps the keys that recipients' contacts are encrypted with: base64 of 32 bytes",
        reload="never",
    )
    directory: Path = setting(
        Path("/run/secrets"), "folder that provider `file` reads the file `master_key` from"
    )

    @field_validator("master_key")
    @classmethod
    def _master_key_is_32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            decoded_master_key(value.get_secret_value())
        return value


class StorageSettings(Section):
    """Where evidence packs and backups go."""

    url: str | None = setting(None, "`file://…` or `s3://bucket/prefix`; none by default")

    @field_validator("url")
    @classmethod
    def _url_is_supported(cls, value: str | None) -> str | None:
        return value and checked_url(value, "file", "s3", host=False)


class TelemetrySettings(Section):
    """What the process says about itself."""

    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "least level logged", reload="hot"
    )
    log_format: Literal["auto", "json", "console"] = setting(
        "auto", "`auto`: coloured lines on a terminal, JSON elsewhere"
    )


class SimulatorSettings(Section):
    """The simulated Soroban network that `pausewire up` and `simulate` can run."""

    enabled: bool = setting(False, "`pausewire up` also runs the simulated network and follows it")
    seed: int = setting(1, "same seed, same accounts, contract and scenario", ge=0)
    streams: int = setting(8, "pay streams of the scenario", unit="streams", ge=1, le=100_000)
    ledger_seconds: float = seconds(5.0, "time between two ledgers; Stellar's own is 5", at_most=60)
    scenario: str = setting("steady", "name of the script that is played")
    rpc_port: int = tcp_port(8100, "port of the simulated Stellar RPC")
    web_port: int = tcp_port(8101, "port of the catchers: caught messages, SMS and push providers")
    smtp_port: int = tcp_port(1025, "port of the mail catcher")
    state_dir: Path = setting(Path("var/simulator"), "folder of the simulated chain and catches")
