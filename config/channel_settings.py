"""Settings of the channels that carry alerts to people, and of what their providers call back."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_der_public_key,
    load_pem_private_key,
)
from pydantic import SecretStr, field_validator, model_validator

from config.fields import Section, checked_url, seconds, setting, tcp_port

LEAST_DKIM_BITS = 1024  # RFC 8301 §3.2; 2048 is what to use
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
LEAST_PASSWORD = 16
LEAST_WEBHOOK_KEY_BYTES = 24  # github.com/standard-webhooks, "Symmetric": 24 to 64 bytes


def decoded_webhook_secret(text: str) -> bytes:
    """The key in a Standard Webhooks secret. Raises ValueError that never shows it."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < LEAST_WEBHOOK_KEY_BYTES:
        raise ValueError("give whsec_ and base64 of 24 to 64 random bytes")
    return key


def decoded_verification_key(text: str) -> EllipticCurvePublicKey:
    """The key in base64 of its DER form. Raises ValueError."""
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError:
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("give the elliptic-curve key that SendGrid shows, in base64")  # noqa: TRY004 # pydantic's
    return key


def decoded_dkim_key(pem: str) -> RSAPrivateKey:
    """The private key in PEM. Raises ValueError that never shows it."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_DKIM_BITS:
        raise ValueError(  # pydantic's
            f"give an RSA private key in PEM of at least {LEAST_DKIM_BITS} bits, without a passphrase"
        )
    return key


class EmailSettings(Section):
    """Email by SMTP."""

    enabled: bool = setting(False, "send email")
    host: str | None = setting(None, "SMTP server")
    port: int = tcp_port(587, "port of the SMTP server: 587 for starttls, 465 for tls")
    tls: Literal["none", "starttls", "tls"] = setting(
        "starttls", "`starttls` after connecting, `tls` from the first byte, or `none`"
    )
    username: str | None = setting(None, "name to log in with; none: no login")
    password: SecretStr | None = setting(None, "password to log in with")
    sender: str | None = setting(None, "From address; its domain should carry SPF, DKIM and DMARC")
    connections: int = setting(
        8, "SMTP connections kept open by one notify process", unit="connections", ge=1, le=100
    )
    timeout_seconds: float = seconds(15, "longest wait for one SMTP answer", at_most=300)

    dkim_selector: str | None = setting(
        None,
        "sign mails by DKIM under this selector; none: no signature, which is right where the relay signs",
        pattern="^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
    )
    dkim_domain: str | None = setting(
        None, "domain that signs, the sender's or one above it; none: the sender's"
    )
    dkim_key: SecretStr | None = setting(
        None, "RSA private key in PEM; its public half stands at `<selector>._domainkey.<domain>`"
    )

    @field_validator("dkim_key")
    @classmethod
    def _dkim_key_is_one(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            decoded_dkim_key(value.get_secret_value())
        return value

    @field_validator("sender")
    @classmethod
    def _sender_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not all(value.rpartition("@")):
            raise ValueError("give an address such as alerts@example.org")
        return value


class SecondEmailSettings(Section):
    """A second SMTP server: it takes at once what the first one provably did not take."""

    enabled: bool = setting(False, "fall back to a second server")
    host: str | None = setting(None, "SMTP server")
    port: int = tcp_port(587, "port of the SMTP server: 587 for starttls, 465 for tls")
    tls: Literal["none", "starttls", "tls"] = setting(
        "starttls", "`starttls` after connecting, `tls` from the first byte, or `none`"
    )
    username: str | None = setting(None, "name to log in with; none: no login")
    password: SecretStr | None = setting(None, "password to log in with")
    connections: int = setting(
        8, "SMTP connections kept open by one notify process", unit="connections", ge=1, le=100
    )
    timeout_seconds: float = seconds(15, "longest wait for one SMTP answer", at_most=300)


class SmsSettings(Section):
    """SMS by a provider's HTTP interface."""

    provider: Literal["none", "twilio", "vonage", "sns"] = setting(
        "none", "whose interface to speak: Twilio, Vonage, Amazon SNS; `none`: off"
    )
    base_url: str = setting(
        "https://api.twilio.com",
        "address of the provider's interface; unless given, that of the provider",
    )
    account_sid: str | None = setting(
        None, "account at the provider: Twilio's `AC…`, Vonage's API key, Amazon's access key id"
    )
    auth_token: SecretStr | None = setting(
        None,
        "what to log in with: Twilio's token, which checks its callbacks too, Vonage's API secret, Amazon's"
        " secret access key",
    )
    sender: str | None = setting(
        None,
        "sending number in E.164, `+15550100000`; Vonage and Amazon take a name in many countries",
    )
    region: str = setting("us-east-1", "Amazon's region", pattern="^[a-z0-9-]{1,30}$")
    timeout_seconds: float = seconds(10, "longest wait for the provider's answer", at_most=300)
    validity_seconds: int = setting(
        1800,
        "the provider drops a message it could not hand over in this time, or by the alert's deadline;"
        " Amazon SNS has no such parameter",
        unit="seconds",
        ge=1,
        le=36_000,
    )

    @model_validator(mode="before")
    @classmethod
    def _base_url_is_the_providers(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "base_url" in given:
            return given
        if given.get("provider") == "vonage":
            return {**given, "base_url": "https://rest.nexmo.com"}
        if given.get("provider") == "sns":
            region = given.get("region", "us-east-1")
            return {**given, "base_url": f"https://sns.{region}.amazonaws.com"}
        return given

    @field_validator("base_url")
    @classmethod
    def _base_url_is_http(cls, value: str) -> str:
        return checked_url(value, "https", "http").rstrip("/")


class CallbackSettings(Section):
    """What providers call back to say; SMS callbacks are checked by `sms.auth_token`."""

    base_url: str | None = setting(
        None,
        "address under which providers reach the API, as they see it from outside any proxy;"
        " none: `api.public_url`",
    )
    webhook_secrets: tuple[SecretStr, ...] = setting(
        (),
        "secrets (`whsec_…`) of those who call back by Standard Webhooks; two while one is replaced",
    )
    sendgrid_key: str | None = setting(
        None, "verification key of SendGrid's signed event webhook, as SendGrid shows it; none: off"
    )
    postmark_login: SecretStr | None = setting(
        None,
        "`name:password` that Postmark calls back with: its webhooks' address is"
        " https://name:password@…/v1/providers/postmark/callbacks; mails are then marked for it. None: off",
    )
    vonage_secret: SecretStr | None = setting(
        None, "signature secret of the Vonage account, whose webhooks must be signed; none: off"
    )
    sns_topics: tuple[str, ...] = setting(
        (),
        "ARNs of the Amazon SNS topics (signature version 2) that SES tells of mails; their"
        " subscriptions are confirmed by themselves",
    )
    tolerance_seconds: float = seconds(
        300, "a signed time may be this far from our clock", at_most=3600
    )
    keep_days: float = setting(
        30, "callbacks that were worked off are kept this long", unit="days", gt=0, le=3650
    )

    @field_validator("base_url")
    @classmethod
    def _base_url_is_http(cls, value: str | None) -> str | None:
        return value and checked_url(value, "https", "http").rstrip("/")

    @field_validator("sns_topics")
    @classmethod
    def _topics_are_arns(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not _TOPIC.fullmatch(value):
                raise ValueError("give ARNs such as arn:aws:sns:eu-west-1:123456789012:mails")
        return values

    @field_validator("postmark_login")
    @classmethod
    def _login_is_hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            name, _, password = value.get_secret_value().partition(":")
            if not name or len(password) < LEAST_PASSWORD:
                raise ValueError(
                    f"give name:password, the password {LEAST_PASSWORD} characters or more"
                )
        return value

    @field_validator("sendgrid_key")
    @classmethod
    def _sendgrid_key_is_one(cls, value: str | None) -> str | None:
        if value is not None:
            decoded_verification_key(value)
        return value

    @field_validator("webhook_secrets")
    @classmethod
    def _secrets_are_keys(cls, values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for value in values:
            decoded_webhook_secret(value.get_secret_value())
        return values
