"""The browser's half of web push: its keys, decryption (RFC 8188, 8291), and who may push (RFC 8292).

A subscription's keys are made of its name, so that it outlives the process.
"""

import base64
import hashlib
import time

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.errors import Undecipherable

LONGEST_TOKEN_SECONDS = 86_400
_SALT = slice(0, 16)
_RECORD_SIZE = slice(16, 20)


def subscription_keys(name: str) -> dict[str, str]:
    """`p256dh` and `auth` of a subscription, base64url without padding."""
    return {"p256dh": _text(_point(_private(name).public_key())), "auth": _text(_auth(name))}


def decrypted(body: bytes, name: str) -> bytes:
    """What the service worker gets. Raises Undecipherable."""
    salt, size, length = body[_SALT], int.from_bytes(body[_RECORD_SIZE]), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    if len(record) > size:
        raise Undecipherable("a message is one record")
    own = _private(name)
    try:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = own.exchange(ec.ECDH(), theirs)
        info = b"WebPush: info\0" + _point(own.public_key()) + sender
        secret = _hkdf(shared, _auth(name), info, 32)
        key = _hkdf(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(secret, salt, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
    except (InvalidTag, ValueError) as error:
        raise Undecipherable("not encrypted for this subscription") from error
    if not padded.endswith(b"\2"):
        raise Undecipherable("the last record is not marked as such")
    return padded[:-1]


def public_key_of(authorization: str, origin: str) -> str:
    """The key `k` of an Authorization header whose token holds. Raises Undecipherable."""
    scheme, _, given = authorization.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in given.split(",") if "=" in part)
    if scheme.lower() != "vapid" or not {"t", "k"} <= set(parts):
        raise Undecipherable("Authorization: vapid t=…, k=… is needed")
    try:
        point = base64.urlsafe_b64decode(parts["k"] + "==")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=origin)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Undecipherable(f"the token does not hold: {type(error).__name__}") from error
    if claims.get("exp", 0) > time.time() + LONGEST_TOKEN_SECONDS:
        raise Undecipherable("a token lives a day at most")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise Undecipherable("sub names nobody to ask")
    return parts["k"]


def _private(name: str) -> ec.EllipticCurvePrivateKey:
    digest = hashlib.sha256(f"web push {name}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest) >> 1, ec.SECP256R1())


def _auth(name: str) -> bytes:
    return hashlib.sha256(f"web push auth {name}".encode()).digest()[:16]


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
