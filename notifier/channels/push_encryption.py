"""A message that only the browser can read: RFC 8291, by the content coding aes128gcm of RFC 8188.

One record, a fresh key and salt for each message. The example of RFC 8291 §5 is a test.
"""

import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096  # RFC 8291 §4: what every push service takes
# A header of 16 + 4 + 1 + 65, a tag of 16 and the last record's mark.
MOST_PLAIN_BYTES = RECORD_BYTES - 86 - 16 - 1
_SALT_BYTES = 16
_LAST_RECORD = b"\x02"


def encrypted(  # the reader's two keys; ours and the salt are given by the test of the RFC only
    plain: bytes,
    point: bytes,
    auth: bytes,
    *,
    own: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of the request. `point`, `auth`: of the subscription. Raises ValueError: no such point."""
    reader = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    own = own or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(_SALT_BYTES)
    ours = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ec.ECDH(), reader)
    secret = _derived(shared, auth, b"WebPush: info\0" + point + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4) + len(ours).to_bytes(1) + ours
    return header + AESGCM(key).encrypt(nonce, plain + _LAST_RECORD, None)


def _derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)
