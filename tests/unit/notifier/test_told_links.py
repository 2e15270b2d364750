"""Links of letters to what they tell: nobody makes one up, changes one, or makes one last."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.privacy import Vault
from notifier.told_links import DAYS, TOKEN_LENGTH, delivery_of, link_for, token_for

VAULT = Vault(b"k" * 32)
ID = UUID("0b7d3f0e-0a52-5a3f-8f5e-6a4c1f9f2d11")
AT = 1_790_000_000_000_000
TOKEN = token_for(VAULT, ID, AT)
ENDS = (AT // 1_000_000 + DAYS * 86_400) * 1_000_000


def test_a_link_names_its_delivery_until_its_last_second_and_is_always_the_same():
    assert len(TOKEN) == TOKEN_LENGTH
    assert token_for(VAULT, ID, AT + 999_999) == TOKEN
    assert delivery_of(VAULT, TOKEN, ENDS - 1) == ID
    assert delivery_of(VAULT, TOKEN, ENDS) is None
    assert link_for(VAULT, ID, AT, "https://pay.example/wire").startswith(
        "https://pay.example/wire/v1/told/"
    )


@given(st.integers(0, 35), st.integers(1, 255))
def test_a_changed_byte_makes_it_nobodys(place, change):
    raw = bytearray(base64.urlsafe_b64decode(TOKEN))
    raw[place] ^= change
    assert delivery_of(VAULT, base64.urlsafe_b64encode(bytes(raw)).decode(), AT) is None


@given(st.text(max_size=60) | st.text("A-_=9z", min_size=48, max_size=48))
def test_anything_else_is_nobodys(text):
    assert delivery_of(VAULT, text, AT) is None


@pytest.mark.parametrize("made", [Vault(b"x" * 32).mark(b"told", b""), VAULT.mark(b"told", b"")])
def test_a_mark_of_another_key_or_another_purpose_is_none(made):
    raw = base64.urlsafe_b64decode(TOKEN)[:20]
    assert delivery_of(VAULT, base64.urlsafe_b64encode(raw + made[:16]).decode(), AT) is None
    other = VAULT.mark(b"unsubscribe", raw)[:16]
    assert delivery_of(VAULT, base64.urlsafe_b64encode(raw + other).decode(), AT) is None
