r"""Signatures of messages: read from what wallets return, checked by the key's own kind.

Stellar keys sign by SEP-53: ed25519 over sha256("Stellar Signed Message:\n" + message). Spark identity
keys sign sha256(message) by ECDSA on secp256k1, as 64 bytes or DER.
"""

import base64
import binascii
import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

from wallets.errors import KeyUnreadable, SignatureUnreadable, SignatureWrong

PREFIX: Final = b"Stellar Signed Message:\n"
SIGNATURE_BYTES: Final = 64
_LONGEST_DER: Final = 72
_LONGEST_TEXT: Final = 2 * _LONGEST_DER
_HALF: Final = SIGNATURE_BYTES // 2
_SIGN_BIT: Final = 0x7F
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

# Points of order 1, 2, 4 and 8, whose signatures anybody can make; the network's own library (libsodium,
# crypto_core/ed25519/ref10, ge25519_has_small_order) refuses them too. Without the sign bit.
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(each)
    for each in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def read_signature(text: str) -> bytes:
    """The bytes of a signature: hex, base64 or base64url. Raises SignatureUnreadable."""
    if len(text) > _LONGEST_TEXT or not text.isascii():
        raise SignatureUnreadable
    try:
        return _decoded(text)
    except (binascii.Error, ValueError) as error:
        raise SignatureUnreadable from error


def _decoded(text: str) -> bytes:
    """By length: 64 bytes are 128 characters in hex and 88 in base64, DER is a little longer in each."""
    if len(text) >= 2 * SIGNATURE_BYTES:
        return bytes.fromhex(text) if text.isalnum() else b""
    unpadded = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)


def check_stellar(key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature by SEP-53. Raises NotProven."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureUnreadable
    if _is_small_order(key) or _is_small_order(signature[:_HALF]):
        raise SignatureWrong
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(key)
        public.verify(signature, hashlib.sha256(PREFIX + message).digest())
    except (InvalidSignature, ValueError) as error:
        raise SignatureWrong from error


def check_spark(key: bytes, message: bytes, signature: bytes) -> None:
    """Check a Spark identity key's signature. Raises NotProven."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key)
    except ValueError as error:
        raise KeyUnreadable("give 33 bytes of compressed secp256k1 in hex") from error
    digest = utils.Prehashed(SHA256())
    try:
        public.verify(_as_der(signature), hashlib.sha256(message).digest(), ec.ECDSA(digest))
    except (InvalidSignature, ValueError) as error:
        raise SignatureWrong from error


def _as_der(signature: bytes) -> bytes:
    """DER of the one form in which a signature is made: with the lower of the two S."""
    if len(signature) == SIGNATURE_BYTES:
        r, s = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
    else:
        r, s = utils.decode_dss_signature(signature)
    if not 0 < s <= _SECP256K1_ORDER // 2:
        raise SignatureWrong
    return utils.encode_dss_signature(r, s)


def _is_small_order(point: bytes) -> bool:
    return point[:-1] + bytes((point[-1] & _SIGN_BIT,)) in _SMALL_ORDER
