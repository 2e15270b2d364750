"""Rules between settings."""

import pytest
from pydantic import ValidationError

from config.limit_settings import read_domain_limit
from config.rules import broken_rules
from config.settings import Settings

SOUND = {
    "network": {
        "rpc_urls": ["https://rpc.example"],
        "contracts": [{"id": "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"}],
    },
    "database": {"url": "sqlite:///x.db"},
}


def broken(**sections: object) -> set[str]:
    return {rule.key for rule in broken_rules(Settings.model_validate(SOUND | sections))}


def test_sound_settings_break_no_rule():
    assert broken() == set()


def test_a_deployment_names_its_database_endpoints_and_contracts():
    keys = {rule.key for rule in broken_rules(Settings())}
    assert keys == {"database.url", "network.rpc_urls", "network.contracts"}


def test_the_simulated_network_brings_its_own_endpoint_and_contract():
    assert broken(network={}, simulator={"enabled": True}, environment="development") == set()


@pytest.mark.parametrize("environment", ["testnet", "staging", "production"])
def test_the_simulated_network_stays_out_of_real_environments(environment: str):
    assert broken(simulator={"enabled": True}, environment=environment) == {"simulator.enabled"}


@pytest.mark.parametrize(
    ("section", "field", "given"),
    [("network", "rpc_urls", ["http://rpc.example"]), ("push", "ntfy_url", "http://ntfy.example")],
)
def test_production_speaks_to_nobody_in_clear_text(section: str, field: str, given: object):
    fields = {**SOUND.get(section, {}), field: given}
    assert broken(**{section: fields}) == {f"{section}.{field}"}
    assert broken(**{section: fields}, environment="testnet") == set()


def test_an_endpoint_on_the_same_machine_may_be_plain_http():
    assert broken(push={"ntfy_url": "http://127.0.0.1:8101"}) == set()


def test_email_needs_a_server_and_a_sender():
    assert broken(email={"enabled": True}) == {"email.host", "email.sender"}


def test_an_email_login_is_whole_and_encrypted():
    assert broken(email={"username": "me"}) == {"email.password"}
    login = {"username": "me", "password": "pw", "tls": "none"}
    assert broken(email={**login, "host": "mail.example"}) == {"email.tls"}
    assert broken(email={**login, "host": "localhost"}) == set()


def test_sms_needs_an_account_a_token_and_a_sender():
    keys = {"sms.account_sid", "sms.auth_token", "sms.sender"}
    assert broken(sms={"provider": "twilio"}) == keys


def test_a_delivery_is_held_longer_than_an_attempt_may_take():
    assert broken(notifier={"lease_seconds": 15}) == {"notifier.lease_seconds"}


def test_a_second_provider_counts_where_there_is_one():
    short = {section: {"timeout_seconds": 4} for section in ("email", "sms", "push", "webhooks")}
    given = {**short, "notifier": {"lease_seconds": 5}}
    assert "notifier.lease_seconds" not in broken(**given)
    assert "notifier.lease_seconds" in broken(**given, second_email={"enabled": True})
    assert "notifier.lease_seconds" in broken(**given, second_sms={"provider": "vonage"})


def test_production_keeps_no_key_in_a_plain_file():
    assert broken(secrets={"provider": "development"}) == {"secrets.provider"}


def test_production_names_the_origins_that_may_use_the_api():
    assert broken(api={"cors_origins": ["*"]}) == {"api.cors_origins"}
    assert broken(api={"cors_origins": ["https://app.example"]}) == set()


@pytest.mark.parametrize(
    "given", ["example.org", "Example.org=5", "example.org=-1", "=5", "a b.org=5"]
)
def test_a_domain_limit_is_a_domain_and_a_number(given: str):
    with pytest.raises(ValidationError, match=r"example\.org=60"):
        Settings.model_validate(SOUND | {"limits": {"domains": [given]}})


def test_a_domain_limit_reads():
    assert read_domain_limit("xn--mnchen-3ya.example=0") == ("xn--mnchen-3ya.example", 0)


SMS = {"account_sid": "a", "auth_token": "t", "sender": "P"}


def test_a_second_provider_is_another_one_and_stands_behind_a_first():
    twilio, vonage = SMS | {"provider": "twilio"}, SMS | {"provider": "vonage"}
    assert broken(sms=twilio, second_sms=vonage) == set()
    assert broken(sms=twilio, second_sms=twilio) == {"second_sms.provider"}
    assert broken(second_sms=vonage) == {"second_sms.provider"}
    assert broken(sms=twilio, second_sms={"provider": "vonage"}) == {
        "second_sms.account_sid",
        "second_sms.auth_token",
        "second_sms.sender",
    }
    mail = {"enabled": True, "host": "mail.example", "sender": "a@example.org"}
    other = {"enabled": True, "host": "other.example"}
    assert broken(email=mail, second_email=other) == set()
    assert broken(second_email=other) == {"second_email.enabled"}
    assert broken(email=mail, second_email={"enabled": True}) == {"second_email.host"}
    login = other | {"username": "me"}
    assert broken(email=mail, second_email=login) == {"second_email.password"}
    open_login = login | {"password": "pw", "tls": "none"}
    assert broken(email=mail, second_email=open_login) == {"second_email.tls"}
