"""Settings of push: the services that carry messages to people's devices."""

import base64
import binascii
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr, field_validator

from config.fields import Section, checked_url, seconds, setting

_SCALAR_BYTES = 32


def decoded_vapid_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The private key in base64url. Raises ValueError that never shows it."""
    try:
        scalar = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if len(scalar) == _SCALAR_BYTES:
            return ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1())
    except (binascii.Error, ValueError):
        pass
    raise ValueError("give a key as `pausewire push keys` makes it: base64url of 32 bytes")


class FcmAccount(msgspec.Struct, frozen=True):
    """What a service account's key file says that we need."""

    project_id: str
    client_email: str
    private_key: str


def decoded_fcm_key(text: str) -> FcmAccount:
    """The service account in a key file. Raises ValueError that never shows it."""
    try:
        account = msgspec.json.decode(text, type=FcmAccount)
        key: Any = load_pem_private_key(account.private_key.encode(), password=None)
    except (msgspec.DecodeError, ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("give the JSON key file of a Firebase service account")  # noqa: TRY004 # pydantic's
    return account


class PushSettings(Section):
    """Push to people's devices and an employer's rooms: the services that are switched on.

    What a contact's `push` begins with (`ntfy:`, `fcm:` …) says which one carries it.
    """

    ntfy_url: str | None = setting(None, "address of the ntfy server; none: off")
    token: SecretStr | None = setting(None, "access token of the ntfy server")
    vapid_key: SecretStr | None = setting(
        None,
        "private key that web push is signed with, as `pausewire push keys` makes it; none: no web push."
        " Browsers' subscriptions are bound to it: with another key everybody has to subscribe anew",
        reload="never",
    )
    vapid_subject: str | None = setting(
        None,
        "whom a push service asks when something is wrong, `mailto:ops@example.org` or an https:// page;"
        " none: `email.sender`",
    )
    fcm_key: SecretStr | None = setting(
        None, "Firebase Cloud Messaging: JSON key file of the service account that sends; none: off"
    )
    pushover_token: SecretStr | None = setting(
        None, "Pushover: API token of our application; none: off"
    )
    gotify_url: str | None = setting(None, "address of the Gotify server; none: off")
    telegram_token: SecretStr | None = setting(
        None, "Telegram: token of the bot that writes to rooms; none: off"
    )
    slack: bool = setting(False, "post to rooms of Slack, by their incoming webhooks")
    discord: bool = setting(False, "post to rooms of Discord, by their webhooks")
    catcher_url: str | None = setting(
        None,
        "for development: FCM, Pushover, Telegram, Slack and Discord are spoken to at this address, that of"
        " the catchers, instead of their own",
    )
    timeout_seconds: float = seconds(10, "longest wait for a service's answer", at_most=300)

    @field_validator("ntfy_url", "gotify_url", "catcher_url")
    @classmethod
    def _url_is_http(cls, value: str | None) -> str | None:
        return value and checked_url(value, "https", "http").rstrip("/")

    @field_validator("vapid_key")
    @classmethod
    def _vapid_key_is_one(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            decoded_vapid_key(value.get_secret_value())
        return value

    @field_validator("fcm_key")
    @classmethod
    def _fcm_key_is_one(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            decoded_fcm_key(value.get_secret_value())
        return value

    @field_validator("vapid_subject")
    @classmethod
    def _subject_can_be_asked(cls, value: str | None) -> str | None:
        if value is not None and not (
            value.startswith(("mailto:", "https://")) and value.isascii()
        ):
            raise ValueError("give mailto:ops@example.org or an https:// page")
        return value
