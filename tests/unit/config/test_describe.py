"""Settings as people read them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from config.catalogue import entries, variable_of
from config.describe import describe, shown
from config.layers import load

CONTRACT = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (2.0, "2"),
        (Path("var"), "var"),
        (("a", "b"), "a, b"),
        (SecretStr("hunter2"), "***"),
        (SecretStr("sqlite:///var/x.db"), "sqlite:///var/x.db"),
        (
            SecretStr("postgresql+psycopg://me:hunter2@db:5432/x"),
            "postgresql+psycopg://***@db:5432/***",
        ),
        (SecretStr("https://rpc.example/v1/hunter2"), "https://rpc.example/***"),
        (SecretStr("https://rpc.example/?key=hunter2"), "https://rpc.example/***"),
        (SecretStr("redis://mq:6379"), "redis://mq:6379"),
    ],
)
def test_values_are_shown_without_their_secrets(value: object, text: str):
    assert shown(value) == text


def test_every_setting_is_described_with_value_layer_and_reload_class():
    loaded = load({"PAUSEWIRE_ENVIRONMENT": "development", "PAUSEWIRE_API__PORT": "9000"})
    rows = {row.key: row for row in describe(loaded)}
    assert list(rows) == list(entries())
    assert rows["api.port"].value == "9000"
    assert rows["api.port"].layer == "env PAUSEWIRE_API__PORT"
    assert rows["api.port"].unit == "TCP port"
    assert rows["network.passphrase"].reload == "never"
    assert rows["sms.auth_token"].value == "***"


def test_a_contract_is_shown_by_its_fields():
    environ = {
        "PAUSEWIRE_ENVIRONMENT": "development",
        "PAUSEWIRE_NETWORK__CONTRACTS": f'[{{"id": "{CONTRACT}", "start_ledger": 9}}]',
    }
    rows = {row.key: row for row in describe(load(environ))}
    expected = f"id={CONTRACT} profile=paystream start_ledger=9 authorities=()"
    assert rows["network.contracts"].value == expected


def test_every_setting_has_a_meaning_and_every_number_of_seconds_its_unit():
    for key, entry in entries().items():
        assert entry.meaning, key
        assert entry.reload in ("hot", "restart", "never"), key
        assert entry.kind, key
        if key.endswith("_seconds"):
            assert entry.unit == "seconds", key


def test_variables_follow_the_key():
    assert variable_of("database.url") == "PAUSEWIRE_DATABASE__URL"
    assert variable_of("state_dir") == "PAUSEWIRE_STATE_DIR"
