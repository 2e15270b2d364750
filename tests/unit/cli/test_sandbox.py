"""The simulated network's place in the settings."""

import pytest

from cli.sandbox import as_followed, options_of
from cli.wiring import deployment
from simulator.accounts import contract_id_for


@pytest.fixture
def in_development(command, monkeypatch, tmp_path):
    monkeypatch.setenv("PAUSEWIRE_SIMULATOR__ENABLED", "true")
    for name in ("RPC_URLS", "CONTRACTS"):
        monkeypatch.delenv(f"PAUSEWIRE_NETWORK__{name}")
    given = {
        "SEED": "7",
        "STREAMS": "3",
        "RPC_PORT": "9100",
        "WEB_PORT": "9101",
        "SMTP_PORT": "9125",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"PAUSEWIRE_SIMULATOR__{name}", value)
    return deployment()


def test_the_simulator_runs_as_the_settings_say(in_development):
    options = options_of(in_development.settings, events=30)
    assert (options.seed, options.streams, options.events) == (7, 3, 30)
    assert (options.rpc_port, options.web_port, options.smtp_port) == (9100, 9101, 9125)
    assert options.passphrase == in_development.settings.network.passphrase
    assert options_of(in_development.settings).events is None


def test_in_development_the_network_that_up_runs_is_followed(in_development):
    settings = as_followed(in_development).settings
    (contract,) = settings.network.contracts
    assert contract.id == contract_id_for(seed=7)
    assert contract.start_ledger is not None
    assert [url.get_secret_value() for url in settings.network.rpc_urls] == [
        "http://127.0.0.1:9100"
    ]
    assert settings.email.port == 9125
    assert settings.sms.base_url == settings.push.ntfy_url == "http://127.0.0.1:9101"
    assert settings.database == in_development.settings.database


def test_elsewhere_the_settings_stand(command):
    here = deployment()
    assert as_followed(here) is here
