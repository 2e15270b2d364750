"""Keys that keep people out of sight: one per recipient, wrapped by the deployment's master key.

What is stored about a person is sealed under that person's key (AES-GCM, bound to its row) and found
by keyed hashes. Destroying one key makes all of it unreadable, while ids and proofs stay what they are.
"""

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12  # of AES-GCM, NIST SP 800-38D; random, each key seals a handful of values
ID_BYTES = 16
_SEPARATOR = "\0"


class Vault:
    """Wraps recipients' keys and makes the lookups; the only holder of the master key."""

    def __init__(self, master_key: bytes) -> None:
        self._wrapping = AESGCM(_derived(master_key, b"pausewire wrap recipient keys"))
        self._lookup_key = _derived(master_key, b"pausewire look up people")
        self._sealing_key = _derived(master_key, b"pausewire seal what providers say")
        self._tagging_key = _derived(master_key, b"pausewire know what we said ourselves")
        self._marking_key = _derived(master_key, b"pausewire mark links")
        # Tells this master key from others and says nothing else of it.
        self.fingerprint = _derived(master_key, b"pausewire tell master keys apart").hex()

    def wrap(self, key: bytes, recipient_id: str) -> bytes:
        """A recipient's key as it is stored, bound to its row."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key, recipient_id.encode())

    def unwrap(self, wrapped: bytes, recipient_id: str) -> bytes:
        """The recipient's key. Raises cryptography's InvalidTag under another master key."""
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        return self._wrapping.decrypt(nonce, sealed, recipient_id.encode())

    def seal(self, plain: bytes, row: str) -> bytes:
        """What names people before it is known whom, as it is stored; bound to its row."""
        return seal(self._sealing_key, plain, row)

    def unseal(self, sealed: bytes, row: str) -> bytes:
        """The way back. Raises cryptography's InvalidTag for another row or master key."""
        return unseal(self._sealing_key, sealed, row)

    def tag(self, what: str, *said: str) -> bytes:
        """A keyed hash by which we know our own words again when somebody brings them back."""
        named = _SEPARATOR.join((what, *said)).encode()
        return hmac.digest(self._tagging_key, named, "sha256")

    def mark(self, purpose: bytes, named: bytes) -> bytes:
        """A mark that only the holder of the master key can make: what carries it was made here."""
        return hmac.digest(self._marking_key, purpose + _SEPARATOR.encode() + named, "sha256")

    def account_lookup(self, account_id: str) -> str:
        """The hash that finds an account's recipient, hex."""
        return self._lookup("account", account_id)

    def destination_lookup(self, channel: str, destination: str) -> str:
        """The hash that finds a destination, whoever it belongs to, hex."""
        return self._lookup(channel, destination)

    def _lookup(self, space: str, value: str) -> str:
        return hmac.digest(self._lookup_key, f"{space}{_SEPARATOR}{value}".encode(), "sha256").hex()


def _derived(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(master_key)


def new_key() -> bytes:
    """A fresh recipient's key."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plain: bytes, row: str) -> bytes:
    """Encrypt under a recipient's key, readable in that row only."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, row.encode())


def unseal(key: bytes, sealed: bytes, row: str) -> bytes:
    """Decrypt. Raises cryptography's InvalidTag for another key or row."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row.encode())


def recipient_id(key: bytes, account_id: str) -> str:
    """What the log calls a recipient: 32 hex characters that only the key ties to the account."""
    return hmac.digest(key, account_id.encode(), "sha256")[:ID_BYTES].hex()


def notice_id(key: bytes, network: str, cause_event_id: str, kind: str) -> UUID:
    """A notice's id: the same in every replay, and nobody's without the key."""
    named = _SEPARATOR.join((network, cause_event_id, kind)).encode()
    return UUID(bytes=hmac.digest(key, named, "sha256")[:ID_BYTES])


def bundle_id(key: bytes, about: str) -> str:
    """What one person is told about one employer, by a name that only the key ties to either; hex."""
    return hmac.digest(key, f"bundle{_SEPARATOR}{about}".encode(), "sha256")[:ID_BYTES].hex()


def daily_bundle(key: bytes, role: str) -> str:
    """What one person is told once a day, in a role: its words say whose streams they are."""
    return bundle_id(key, f"{_SEPARATOR}daily{_SEPARATOR}{role}")


def delivery_id(notice: UUID, channel: str, endpoint: str) -> UUID:
    """A delivery's id; as secret as its notice's."""
    named = notice.bytes + f"{channel}{_SEPARATOR}{endpoint}".encode()
    return UUID(bytes=hashlib.sha256(named).digest()[:ID_BYTES])
