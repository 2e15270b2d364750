"""Why an address is not proven; branches are named for the reaction.

WalletError
├── NotProven                the proof does not hold: refused, and the person signs anew
│   ├── SignatureUnreadable      not a signature in any encoding that wallets use
│   ├── KeyMissing               the address tells no key and none was given
│   ├── KeyUnreadable            not a public key of the address's kind
│   ├── KeyDiffers               the key given is not the one that the address carries
│   ├── SignatureWrong           made by another key, or over another message
│   └── EntriesRefused           a contract account's entries are not the challenge, or not signed by it
└── ChainUnreadable          the network cannot be asked just now: try again

An address that is none raises domain's InvalidValue. No message repeats what was sent.
"""

from typing import Final

READABLE: Final = "give 64 bytes as base64 or hex, as the wallet's signMessage returns them"


class WalletError(Exception):
    """Root of the wallet proof's errors."""


class NotProven(WalletError):
    """The proof does not hold."""


class SignatureUnreadable(NotProven):
    """What was sent is no signature."""

    def __init__(self, way_out: str = READABLE) -> None:
        super().__init__(f"the signature cannot be read: {way_out}")


class KeyMissing(NotProven):
    """The address tells no key by itself."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} does not prove a key by itself: send public_key as well")


class KeyUnreadable(NotProven):
    """What was sent is no public key."""

    def __init__(self, way_out: str) -> None:
        super().__init__(f"the public key cannot be read: {way_out}")


class KeyDiffers(NotProven):
    """The key given is another one than the address carries."""

    def __init__(self) -> None:
        super().__init__(
            "the public key is not the one of the address: leave it out, or correct it"
        )


class SignatureWrong(NotProven):
    """Another key signed, or another message was signed."""

    def __init__(self) -> None:
        super().__init__("the signature is not this key's over this message")


class EntriesRefused(NotProven):
    """What a contract account brought back is not its challenge, signed."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the authorization entries do not hold: {why}")


class ChainUnreadable(WalletError):
    """The network cannot be asked just now."""
