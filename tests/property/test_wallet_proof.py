"""The wallet proof agrees with Stellar's SDK on what it accepts, and nothing a stranger sends breaks it."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import Keypair, MuxedAccount, StrKey

from domain.errors import InvalidValue
from tests.fakes.wallet import SparkWallet
from wallets.addresses import parse_address
from wallets.errors import NotProven
from wallets.proof import verify

seeds = st.binary(min_size=32, max_size=32)


@given(
    seed=seeds,
    message=st.text(max_size=200) | st.binary(max_size=200),
    number=st.integers(0, 2**64 - 1),
)
def test_what_the_sdk_signs_is_proven_for_each_address_of_the_key(seed, message, number):
    keypair = Keypair.from_raw_ed25519_seed(seed)
    said = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
    signature = base64.b64encode(keypair.sign_message(said)).decode()
    muxed = MuxedAccount(keypair.public_key, number).account_muxed
    for address in (keypair.public_key, muxed):
        proof = verify(address, message, signature)
        assert proof.bound
        assert proof.address.account == keypair.public_key
        assert proof.key == keypair.raw_public_key()


@given(seed=seeds, other=seeds, message=st.binary(max_size=100), flipped=st.integers(0, 511))
def test_no_other_key_message_or_signature_passes(seed, other, message, flipped):
    keypair = Keypair.from_raw_ed25519_seed(seed)
    good = keypair.sign_message(message)
    bad = bytearray(good)
    bad[flipped // 8] ^= 1 << flipped % 8
    stranger = Keypair.from_raw_ed25519_seed(other).public_key
    for address, said, signature in (
        (keypair.public_key, message, bytes(bad)),
        (keypair.public_key, message + b"\0", good),
        *([(stranger, message, good)] if other != seed else []),
    ):
        with pytest.raises(NotProven):
            verify(address, said, signature.hex())


@given(body=seeds)
@settings(max_examples=50)
def test_addresses_are_read_as_the_sdk_reads_them(body):
    assert parse_address(StrKey.encode_ed25519_public_key(body)).key == body
    assert parse_address(StrKey.encode_contract(body)).key is None


@given(
    address=st.text(max_size=130)
    | st.from_regex(r"[GMC][A-Z2-7]{55,68}|sp(ark)?1[a-z0-9]{6,90}", fullmatch=True),
    message=st.text(max_size=50),
    signature=st.text(max_size=200)
    | st.binary(max_size=80).map(lambda raw: base64.b64encode(raw).decode()),
    key=st.none() | st.text(max_size=80) | st.binary(min_size=32, max_size=33).map(bytes.hex),
)
def test_whatever_is_sent_is_refused_in_words(address, message, signature, key):
    with pytest.raises((InvalidValue, NotProven), match=r"give|key|signature"):
        verify(address, message, signature, key)


@settings(max_examples=50)
@given(
    number=st.integers(1, 2**128),
    signature=st.binary(max_size=80),
    key=st.binary(min_size=33, max_size=33),
)
def test_spark_signatures_that_are_none_are_refused(number, signature, key):
    wallet = SparkWallet(number)
    for given_key in (wallet.public_key, key.hex()):
        with pytest.raises(NotProven):
            verify(wallet.address, "message", signature.hex(), given_key)
