"""The one question of every sign-in: whether a signature proves an address.

In: an address of any kind, the message and its signature, and a public key where the address alone does
not do. Out: a Proof, or a WalletError that says what is missing. Callers ask the same for every kind.

    address       key                                    what makes the proof hold
    G…  M…        inside; one that is given must match   SEP-53 by that key
    spark1…       given, and it must be the address's    ECDSA over sha256 by that key
    C…            given                                  SEP-53 by that key: `bound` False, see Proof.

What only the network can prove of a contract, without a key: prover.py.
"""

from dataclasses import dataclass
from typing import Final

from wallets import signatures, spark
from wallets.addresses import Address, Kind, ed25519_key, parse_address
from wallets.errors import KeyDiffers, KeyMissing, KeyUnreadable

_STELLAR_KEY: Final = "give G… or 64 hex digits"
_SPARK_KEY: Final = "give 33 bytes of compressed secp256k1 in hex"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven: whoever signed holds `key`; None: the account's own contract said who did.

    `bound`: the address itself says that the key is its own. A contract says nothing of keys, so that
    there the caller must know from elsewhere that the key may act for it (api/session_keys.py).
    """

    address: Address
    key: bytes | None
    bound: bool


def verify(
    address: str, message: str | bytes, signature: str, public_key: str | None = None
) -> Proof:
    """Prove an address of any kind.

    Raises InvalidValue for what is no address, NotProven for what proves nothing.
    """
    claimed = parse_address(address)
    key = _key_of(claimed, public_key)
    raw = signatures.read_signature(signature)
    check = signatures.check_spark if claimed.kind is Kind.SPARK else signatures.check_stellar
    check(key, _as_bytes(message), raw)
    return Proof(claimed, key, bound=claimed.key is not None)


def _key_of(address: Address, given: str | None) -> bytes:
    """The key that must have signed. Raises NotProven."""
    if given is None:
        if address.key is None or address.kind is Kind.SPARK:
            raise KeyMissing(address.kind.value)
        return address.key
    key = _spark_key(given) if address.kind is Kind.SPARK else ed25519_key(given)
    if key is None:
        raise KeyUnreadable(_SPARK_KEY if address.kind is Kind.SPARK else _STELLAR_KEY)
    if address.key not in (None, key):
        raise KeyDiffers
    return key


def _spark_key(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if len(text) == 2 * spark.KEY_BYTES and text.isalnum() else None
    except ValueError:
        return None


def _as_bytes(message: str | bytes) -> bytes:
    return message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
