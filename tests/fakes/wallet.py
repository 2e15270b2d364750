"""People with wallets, made by Stellar's own SDK, and Spark ones made by hand from BIP-350."""

import base64
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from stellar_sdk import Keypair, MuxedAccount

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def person(name: str) -> Keypair:
    """The same key for the same name."""
    return Keypair.from_raw_ed25519_seed(sha256(name.encode()).digest())


def signed(keypair: Keypair, message: str) -> str:
    """As Freighter's signMessage returns it."""
    return base64.b64encode(keypair.sign_message(message)).decode()


def muxed(keypair: Keypair, number: int) -> str:
    return MuxedAccount(keypair.public_key, number).account_muxed


class SparkWallet:
    """A Spark identity: its address, its key in hex, its signatures."""

    def __init__(self, number: int, prefix: str = "spark") -> None:
        self._key = ec.derive_private_key(number, ec.SECP256K1())
        compressed = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        self.public_key = compressed.hex()
        self.address = bech32m(prefix, b"\x0a\x21" + compressed)

    def sign(self, message: str, *, compact: bool, low: bool = True) -> str:
        digest = sha256(message.encode()).digest()
        der = self._key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        r, s = utils.decode_dss_signature(der)
        s = min(s, ORDER - s) if low else max(s, ORDER - s)
        if compact:
            return (r.to_bytes(32) + s.to_bytes(32)).hex()
        return utils.encode_dss_signature(r, s).hex()


def bech32m(prefix: str, payload: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in payload)
    bits += "0" * (-len(bits) % 5)
    numbers = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod([*expanded, *numbers, *[0] * 6]) ^ 0x2BC830A3
    numbers += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return f"{prefix}1{''.join(ALPHABET[number] for number in numbers)}"


def polymod(numbers: list[int]) -> int:
    """The checksum of BIP-173, word for word."""
    check = 1
    for number in numbers:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ number
        for bit, value in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= value if top >> bit & 1 else 0
    return check
