"""Who may call back."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cli.callback_providers import callback_providers
from cli.sandbox import called_back
from cli.wiring import deployment
from config.errors import ConfigurationError
from config.settings import Settings

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def test_a_provider_is_there_once_its_secret_is_known(command, monkeypatch):
    assert callback_providers(Settings()) == {}
    assert set(callback_providers(deployment().settings)) == {"twilio"}
    monkeypatch.setenv("PAUSEWIRE_CALLBACKS__WEBHOOK_SECRETS", f'["{SECRET}"]')
    monkeypatch.setenv("PAUSEWIRE_SMS__PROVIDER", "none")
    assert set(callback_providers(deployment().settings)) == {"standard-webhooks"}


def test_a_secret_that_is_none_stops_the_process_unseen(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_CALLBACKS__WEBHOOK_SECRETS", '["whsec_AAAA"]')
    with pytest.raises(ConfigurationError, match="24 to 64") as caught:
        deployment()
    assert "AAAA" not in str(caught.value)


def test_the_catchers_call_this_process_unless_another_place_is_named(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_API__PORT", "9200")
    assert called_back(deployment()).settings.callbacks.base_url == "http://127.0.0.1:9200"
    monkeypatch.setenv("PAUSEWIRE_CALLBACKS__BASE_URL", "https://pay.example/")
    assert called_back(deployment()).settings.callbacks.base_url == "https://pay.example"


def test_sendgrid_is_there_once_its_key_is_known_and_a_wrong_key_stops_the_process(
    command, monkeypatch
):
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    shown = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    monkeypatch.setenv("PAUSEWIRE_CALLBACKS__SENDGRID_KEY", shown.decode())
    assert set(callback_providers(deployment().settings)) == {"twilio", "sendgrid"}
    monkeypatch.setenv("PAUSEWIRE_CALLBACKS__SENDGRID_KEY", "AAAA")
    with pytest.raises(ConfigurationError, match="elliptic-curve"):
        deployment()
