"""Loading settings: which layer wins, and what a wrong one is told."""

from pathlib import Path

import pytest

from config.errors import ConfigurationError, Fault
from config.layers import load

CONTRACT = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"
PRODUCTION = {
    "PAUSEWIRE_DATABASE__URL": "postgresql+psycopg://pausewire:pw@db/pausewire",
    "PAUSEWIRE_NETWORK__RPC_URLS": '["https://rpc.example/key"]',
    "PAUSEWIRE_NETWORK__CONTRACTS": f'[{{"id": "{CONTRACT}"}}]',
}


def faults_of(environ: dict[str, str], files: Path | None = None) -> dict[str, Fault]:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, files)
    return {fault.key: fault for fault in caught.value.faults}


def test_defaults_are_those_of_production():
    loaded = load(PRODUCTION)
    assert loaded.settings.environment == "production"
    assert loaded.settings.network.passphrase == "Public Global Stellar Network ; September 2015"
    assert loaded.provenance["ingest.poll_seconds"] == "default"


def test_the_development_environment_needs_no_variable_but_its_name():
    loaded = load({"PAUSEWIRE_ENVIRONMENT": "development"})
    assert loaded.settings.simulator.enabled
    assert loaded.settings.simulator.ledger_seconds == 2
    assert loaded.provenance["simulator.ledger_seconds"] == (
        "file config/environments/development.yaml"
    )


@pytest.mark.parametrize("environment", ["testnet", "staging"])
def test_a_test_network_environment_needs_only_what_cannot_be_known(environment: str):
    loaded = load(PRODUCTION | {"PAUSEWIRE_ENVIRONMENT": environment})
    assert loaded.settings.network.passphrase == "Test SDF Network ; September 2015"


def test_a_variable_beats_the_file_and_says_so():
    loaded = load(
        {"PAUSEWIRE_ENVIRONMENT": "development", "PAUSEWIRE_SIMULATOR__LEDGER_SECONDS": "0.5"}
    )
    assert loaded.settings.simulator.ledger_seconds == 0.5
    assert (
        loaded.provenance["simulator.ledger_seconds"] == "env PAUSEWIRE_SIMULATOR__LEDGER_SECONDS"
    )


def test_lists_are_given_as_json():
    contracts = f'[{{"id": "{CONTRACT}", "profile": "fluxora", "start_ledger": 7}}]'
    loaded = load(PRODUCTION | {"PAUSEWIRE_NETWORK__CONTRACTS": contracts})
    (contract,) = loaded.settings.network.contracts
    assert (contract.id, contract.profile, contract.start_ledger) == (CONTRACT, "fluxora", 7)


def test_an_empty_variable_clears_an_optional_setting():
    environ = {"PAUSEWIRE_ENVIRONMENT": "development", "PAUSEWIRE_PUSH__NTFY_URL": ""}
    assert load(environ).settings.push.ntfy_url is None


def test_a_secret_is_read_from_the_file_that_its_variable_names(tmp_path: Path):
    (tmp_path / "token").write_text("s3cret\n")
    variable = "PAUSEWIRE_PUSH__TOKEN_FILE"
    loaded = load(PRODUCTION | {variable: str(tmp_path / "token")})
    assert loaded.settings.push.token is not None
    assert loaded.settings.push.token.get_secret_value() == "s3cret"
    assert loaded.provenance["push.token"] == f"env {variable}"


def test_all_faults_of_all_layers_come_at_once(tmp_path: Path):
    (tmp_path / "production.yaml").write_text("ingest:\n  pol_seconds: 2\n  page_limit: many\n")
    faults = faults_of(
        {
            "PAUSEWIRE_DATABSE__URL": "x",
            "PAUSEWIRE_API__PORT": "http",
            "PAUSEWIRE_NETWORK__RPC_URLS": "https://rpc.example",
            "PAUSEWIRE_NETWORK__CONTRACTS": '[{"id": "CABC"}]',
        },
        tmp_path,
    )
    assert set(faults) == {
        "PAUSEWIRE_DATABSE__URL",
        "ingest.pol_seconds",
        "ingest.page_limit",
        "api.port",
        "network.rpc_urls",
        "network.contracts",
        "database.url",
    }
    assert faults["PAUSEWIRE_DATABSE__URL"].fix == "did you mean PAUSEWIRE_DATABASE__URL?"
    assert faults["ingest.pol_seconds"].fix == "did you mean ingest.poll_seconds?"
    assert faults["ingest.page_limit"].layer == "file config/environments/production.yaml"
    assert faults["api.port"].layer == "env PAUSEWIRE_API__PORT"
    assert faults["network.contracts"].problem.startswith("[0][id] give the contract's strkey")
    assert faults["database.url"].layer == "default"


def test_the_error_prints_as_a_list_of_what_to_do():
    with pytest.raises(ConfigurationError) as caught:
        load({"PAUSEWIRE_ENVIRONMENT": "development", "PAUSEWIRE_API__PORT": "70000"})
    assert str(caught.value) == (
        "1 setting is wrong:\n"
        "- api.port: Input should be less than or equal to 65535 (from: env PAUSEWIRE_API__PORT)\n"
        "    correct it there, or set PAUSEWIRE_API__PORT"
    )


def test_a_fault_never_shows_the_value():
    with pytest.raises(ConfigurationError) as caught:
        load(PRODUCTION | {"PAUSEWIRE_DATABASE__URL": "mysql://me:hunter2@db/x"})
    assert "hunter2" not in str(caught.value)


def test_an_unknown_environment_is_the_only_fault_told():
    assert set(faults_of({"PAUSEWIRE_ENVIRONMENT": "prod"})) == {"environment"}


def test_a_secret_given_twice_is_a_fault(tmp_path: Path):
    environ = {
        "PAUSEWIRE_PUSH__TOKEN": "one",
        "PAUSEWIRE_PUSH__TOKEN_FILE": str(tmp_path / "token"),
    }
    assert (
        "PAUSEWIRE_PUSH__TOKEN is set too" in faults_of(PRODUCTION | environ)["push.token"].problem
    )


def test_a_secret_file_that_is_not_there_is_a_fault(tmp_path: Path):
    environ = PRODUCTION | {"PAUSEWIRE_PUSH__TOKEN_FILE": str(tmp_path / "absent")}
    assert "cannot be read" in faults_of(environ)["push.token"].problem


def test_only_secrets_may_come_from_files():
    assert "PAUSEWIRE_API__HOST_FILE" in faults_of(PRODUCTION | {"PAUSEWIRE_API__HOST_FILE": "x"})


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "just words"])
def test_a_file_that_holds_no_sections_is_a_fault(tmp_path: Path, content: str):
    (tmp_path / "production.yaml").write_text(content)
    assert set(faults_of(PRODUCTION, tmp_path)) == {"environment"}


def test_variables_of_the_tests_are_not_settings():
    assert load(PRODUCTION | {"PAUSEWIRE_TEST_KILL_AT": "in_record:1"})


def test_settings_cannot_be_changed_once_loaded():
    settings = load(PRODUCTION).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.ingest.poll_seconds = 3  # type: ignore[misc]  # what the test is about


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PAUSEWIRE_INGEST__POLL_SECONDS", "nan"),
        ("PAUSEWIRE_INGEST__SLICE_EVENTS", "1001"),
        ("PAUSEWIRE_BROKER__URL", "kafka://x"),
        ("PAUSEWIRE_DATABASE__URL", "postgresql://db/x"),
        ("PAUSEWIRE_EMAIL__SENDER", "nobody"),
        ("PAUSEWIRE_API__PUBLIC_URL", "ftp://x"),
        ("PAUSEWIRE_API__CORS_ORIGINS", '["*"]'),
        ("PAUSEWIRE_SMS__BASE_URL", "http://:80"),
        ("PAUSEWIRE_STORAGE__URL", "https://bucket"),
        ("PAUSEWIRE_SECRETS__MASTER_KEY", "c2hvcnQ="),
        ("PAUSEWIRE_NETWORK__CONTRACTS", f'[{{"id": "{CONTRACT}"}}, {{"id": "{CONTRACT}"}}]'),
    ],
)
def test_a_value_that_cannot_work_is_refused(variable: str, value: str):
    key = variable.removeprefix("PAUSEWIRE_").lower().replace("__", ".")
    assert set(faults_of(PRODUCTION | {variable: value})) == {key}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PAUSEWIRE_BROKER__URL", "amqp://guest:guest@mq/"),
        ("PAUSEWIRE_DATABASE__URL", "sqlite:////var/lib/pausewire.db"),
        ("PAUSEWIRE_STORAGE__URL", "file:///var/lib/packs"),
        ("PAUSEWIRE_API__METRICS_NETWORKS", '["10.0.0.0/8", "fd00::/8"]'),
    ],
)
def test_a_value_that_works_is_taken(variable: str, value: str):
    key = variable.removeprefix("PAUSEWIRE_").lower().replace("__", ".")
    assert load(PRODUCTION | {variable: value}).provenance[key] == f"env {variable}"
