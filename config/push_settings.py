"""Settings of push: the services that carry messages to people's devices."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric import ec
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


class PushSettings(Section):
    """Push to people's devices: an ntfy server, browsers."""

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
    timeout_seconds: float = seconds(10, "longest wait for a service's answer", at_most=300)

    @field_validator("ntfy_url")
    @classmethod
    def _ntfy_url_is_http(cls, value: str | None) -> str | None:
        return value and checked_url(value, "https", "http").rstrip("/")

    @field_validator("vapid_key")
    @classmethod
    def _vapid_key_is_one(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            decoded_vapid_key(value.get_secret_value())
        return value

    @field_validator("vapid_subject")
    @classmethod
    def _subject_can_be_asked(cls, value: str | None) -> str | None:
        if value is not None and not (
            value.startswith(("mailto:", "https://")) and value.isascii()
        ):
            raise ValueError("give mailto:ops@example.org or an https:// page")
        return value
