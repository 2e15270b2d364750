"""One question for every kind of address: who proves what, and what proves nothing."""

import base64

import pytest
from stellar_sdk import StrKey

from domain.errors import InvalidValue
from tests.fakes.wallet import SparkWallet, bech32m, muxed, person, signed
from wallets.addresses import Kind, parse_address
from wallets.errors import (
    KeyDiffers,
    KeyMissing,
    KeyUnreadable,
    SignatureUnreadable,
    SignatureWrong,
)
from wallets.proof import verify

ANA, BEN = person("ana"), person("ben")
ACCOUNT = ANA.public_key
CONTRACT = StrKey.encode_contract(bytes(range(32)))
SPARK, OTHER_SPARK = SparkWallet(7), SparkWallet(8)
TEXT = "pausewire.example wants you to sign in, señora 👋"
SIGNATURE = signed(ANA, TEXT)
SEP_53_ADDRESS = "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7L"


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        (
            "Hello, World!",
            "fO5dbYhXUhBMhe6kId/cuVq/AfEnHRHEvsP8vXh03M1uLpi5e46yO2Q8rEBzu3feXQewcQE5GArp88u6ePK6BA==",
        ),
        (
            "こんにちは、世界！",  # noqa: RUF001
            "CDU265Xs8y3OWbB/56H9jPgUss5G9A0qFuTqH2zs2YDgTm+++dIfmAEceFqB7bhfN3am59lCtDXrCtwH2k1GBA==",
        ),
        (
            base64.b64decode("2zZDP1sa1BVBfLP7TeeMk3sUbaxAkUhBhDiNdrksaFo="),
            "VA1+7hefNwv2NKScH6n+Sljj15kLAge+M2wE7fzFOf+L0MMbssA1mwfJZRyyrhBORQRle10X1Dxpx+UOI4EbDQ==",
        ),
    ],
    ids=["ascii", "japanese", "bytes"],
)
def test_the_vectors_of_sep_53_hold(message, signature):
    assert verify(SEP_53_ADDRESS, message, signature).bound
    assert verify(SEP_53_ADDRESS, message, base64.b64decode(signature).hex()).bound


@pytest.mark.parametrize(
    ("address", "signature", "key", "account", "bound"),
    [
        (ACCOUNT, SIGNATURE, None, ACCOUNT, True),
        (ACCOUNT, SIGNATURE, ACCOUNT, ACCOUNT, True),
        (ACCOUNT, SIGNATURE, ANA.raw_public_key().hex(), ACCOUNT, True),
        (muxed(ANA, 0), SIGNATURE, None, ACCOUNT, True),
        (muxed(ANA, 2**64 - 1), SIGNATURE, ACCOUNT, ACCOUNT, True),
        (CONTRACT, SIGNATURE, ACCOUNT, CONTRACT, False),
        (SPARK.address, SPARK.sign(TEXT, compact=True), SPARK.public_key, SPARK.address, True),
        (SPARK.address, SPARK.sign(TEXT, compact=False), SPARK.public_key, SPARK.address, True),
    ],
    ids=["G", "G+G", "G+hex", "M", "M+G", "C+G", "spark", "spark der"],
)
def test_who_signed_with_the_key_proves_the_address(address, signature, key, account, bound):
    proof = verify(address, TEXT, signature, key)
    assert (proof.address.account, proof.bound) == (account, bound)


@pytest.mark.parametrize(
    ("address", "signature", "key", "error"),
    [
        (ACCOUNT, signed(BEN, TEXT), None, SignatureWrong),
        (ACCOUNT, signed(ANA, TEXT + " "), None, SignatureWrong),
        (ACCOUNT, signed(BEN, TEXT), BEN.public_key, KeyDiffers),
        (muxed(ANA, 5), signed(BEN, TEXT), BEN.public_key, KeyDiffers),
        (ACCOUNT, SIGNATURE, "", KeyUnreadable),
        (ACCOUNT, SIGNATURE, ACCOUNT[:-1], KeyUnreadable),
        (ACCOUNT, SIGNATURE, "z" * 64, KeyUnreadable),
        (ACCOUNT, SIGNATURE, muxed(ANA, 5), KeyUnreadable),
        (CONTRACT, SIGNATURE, None, KeyMissing),
        (CONTRACT, SIGNATURE, BEN.public_key, SignatureWrong),
        (SPARK.address, SPARK.sign(TEXT, compact=True), None, KeyMissing),
        (SPARK.address, OTHER_SPARK.sign(TEXT, compact=True), OTHER_SPARK.public_key, KeyDiffers),
        (SPARK.address, OTHER_SPARK.sign(TEXT, compact=True), SPARK.public_key, SignatureWrong),
        (
            SPARK.address,
            SPARK.sign(TEXT, compact=True, low=False),
            SPARK.public_key,
            SignatureWrong,
        ),
        (SPARK.address, SIGNATURE, SPARK.public_key, SignatureWrong),
        (SPARK.address, SPARK.sign(TEXT, compact=True), ACCOUNT, KeyUnreadable),
        (ACCOUNT, "", None, SignatureUnreadable),
        (ACCOUNT, SIGNATURE[:-4], None, SignatureUnreadable),
        (ACCOUNT, "é" * 88, None, SignatureUnreadable),
        (ACCOUNT, "g" * 128, None, SignatureUnreadable),
        (ACCOUNT, "A" * 100_000, None, SignatureUnreadable),
        (ACCOUNT, SIGNATURE + "\n", None, SignatureUnreadable),
    ],
)
def test_what_proves_nothing_is_refused_and_says_why(address, signature, key, error):
    with pytest.raises(error) as caught:
        verify(address, TEXT, signature, key)
    assert len(str(caught.value)) > 20
    assert signature[:20] not in str(caught.value) or not signature


@pytest.mark.parametrize(
    "address",
    [
        "",
        "G",
        ACCOUNT.lower(),
        ACCOUNT[:-1] + ("A" if ACCOUNT[-1] != "A" else "B"),
        f" {ACCOUNT}",
        ANA.secret,
        StrKey.encode_pre_auth_tx(bytes(32)),
        StrKey.encode_liquidity_pool(bytes(32)),
        "M" + ACCOUNT[1:],
        "sp1qqqqqq",
        SPARK.address[:-1] + ("q" if SPARK.address[-1] != "q" else "p"),
        SPARK.address[:10] + SPARK.address[10:].upper(),
        bech32m("bc", b"\x0a\x21" + bytes.fromhex(SPARK.public_key)),
        bech32m("spark", b"\x0a\x21" + bytes.fromhex(SPARK.public_key) + b"\x12\x00"),
        bech32m("spark", bytes.fromhex(SPARK.public_key)),
        "spark1" + "q" * 10_000,
        "𝔊" * 56,  # noqa: RUF001
        "\0" * 56,
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(address):
    with pytest.raises(InvalidValue, match="give an address") as caught:
        parse_address(address)
    assert len(address) < 2 or address not in str(caught.value)


def test_a_muxed_address_has_one_spelling():
    address = muxed(ANA, 77)
    last = address[-1]
    others = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" if letter != last]
    for letter in others:  # 69 characters have a bit to spare
        with pytest.raises(InvalidValue):
            parse_address(address[:-1] + letter)


@pytest.mark.parametrize("prefix", ["spark", "sparkrt", "sp", "sprt"])
def test_spark_addresses_of_every_network_and_age_are_read(prefix):
    wallet = SparkWallet(9, prefix)
    assert parse_address(wallet.address).kind is Kind.SPARK
    assert parse_address(wallet.address.upper()).key == bytes.fromhex(wallet.public_key)


def test_a_key_of_small_order_proves_nothing():
    """For these keys anybody finds a signature: R the neutral point, S zero, at every eighth message."""
    neutral = b"\x01" + bytes(31)
    forged = base64.b64encode(neutral + bytes(32)).decode()
    for point in (bytes(32), neutral, bytes.fromhex("ec" + "ff" * 30 + "7f")):
        address = StrKey.encode_ed25519_public_key(point)
        for number in range(16):
            with pytest.raises(SignatureWrong):
                verify(address, f"message {number}", forged)
