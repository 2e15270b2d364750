"""DKIM: another implementation verifies what we sign, and finds out what was changed."""

from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr, ValidationError

from config.channel_settings import EmailSettings, decoded_dkim_key
from config.rules import broken_rules
from config.settings import Settings
from notifier.channels import mime
from notifier.channels.dkim import DkimSigner, relaxed_body
from tests.unit.notifier.test_mime import LETTER

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC = "".join(
    KEY.public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
    .splitlines()[1:-1]
)
SIGNER = DkimSigner("pausewire.test", "s1", KEY)
LETTERS = (
    replace(LETTER, unsubscribe_url="https://pay.example/v1/unsubscribe/abc"),
    replace(LETTER, html=None),
    replace(LETTER, text="", html=None),
    replace(LETTER, text="trailing spaces   \n\n\n\n", subject="Ümläut — " + "x" * 300),
    replace(LETTER, text="a  b\t c\n.\n..\n", html="<p>\t\tx  </p>\n\n"),
)


def built(letter=LETTERS[0]) -> bytes:
    return mime.build(
        letter, sender="Pausewire <alerts@pausewire.test>", destination="ana@example.test"
    )


def verified(mail: bytes) -> bool:
    asked = []

    def record(name: bytes, timeout: int = 5) -> bytes:
        del timeout
        asked.append(name)
        return f"v=DKIM1; k=rsa; p={PUBLIC}".encode()

    holds = bool(dkim.verify(mail, dnsfunc=record))
    assert asked == [b"s1._domainkey.pausewire.test."]
    return holds


@pytest.mark.parametrize("letter", LETTERS)
def test_what_we_sign_is_verified_by_another_implementation(letter) -> None:
    assert verified(SIGNER.sign(built(letter), 1_790_000_000))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"List-Unsubscribe: <https://pay.example", b"List-Unsubscribe: <https://evil.example"),
        (b"One-Click", b"Two-Clicks"),
        (b"First line", b"Other line"),
        (b"Subject: Your", b"Subject: My"),
        (b"From: Pausewire", b"From: Pausefire"),
        (b"MIME-Version: 1.0", b"From: eve@evil.test\r\nMIME-Version: 1.0"),
    ],
)
def test_a_change_of_what_is_covered_breaks_it(before: bytes, after: bytes) -> None:
    mail = SIGNER.sign(built(), 1_790_000_000)
    assert before in mail
    assert not verified(mail.replace(before, after, 1))


def test_a_relay_may_fold_headers_and_trim_lines() -> None:
    mail = SIGNER.sign(built(), 1_790_000_000)
    refolded = mail.replace(b"Subject: Your pay", b"Subject:  Your\r\n pay", 1)
    assert refolded != mail
    assert verified(refolded + b"\r\n\r\n")


def test_the_same_delivery_makes_the_same_signature() -> None:
    assert SIGNER.sign(built(), 1_790_000_000) == SIGNER.sign(built(), 1_790_000_000)
    assert all(len(line) < 998 for line in SIGNER.sign(built(), 1_790_000_000).split(b"\r\n"))


@pytest.mark.parametrize(
    ("body", "canonical"),
    [(b"", b""), (b"\r\n\r\n", b""), (b" a \t b \r\n\r\n", b" a b\r\n"), (b"x", b"x\r\n")],
)
def test_bodies_are_relaxed_as_the_rfc_says(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical


@pytest.mark.parametrize("pem", ["", "secret words", PEM[:400], PUBLIC])
def test_what_is_no_key_is_refused_without_showing_it(pem: str) -> None:
    with pytest.raises(ValidationError, match="RSA private key") as caught:
        EmailSettings(dkim_key=SecretStr(pem))
    assert not pem or pem[:60] not in str(caught.value)


def test_a_key_that_is_one_is_read() -> None:
    assert decoded_dkim_key(PEM).key_size == 2048


@pytest.mark.parametrize(
    ("email", "keys"),
    [
        ({"dkim_selector": "s1"}, ["email.dkim_key"]),
        (
            {"dkim_selector": "s1", "dkim_key": PEM, "dkim_domain": "evil.test"},
            ["email.dkim_domain"],
        ),
        ({"dkim_selector": "s1", "dkim_key": PEM, "dkim_domain": "pausewire.test"}, []),
    ],
)
def test_settings_of_a_signature_fit_together(email: dict, keys: list[str]) -> None:
    given = {"sender": "alerts@mail.pausewire.test"} | email
    settings = Settings(email=EmailSettings(**given))
    assert [rule.key for rule in broken_rules(settings) if "dkim" in rule.key] == keys
