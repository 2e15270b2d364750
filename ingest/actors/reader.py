"""A place in XDR that moves on: the small types that a transaction is made of.

Every read is bounded by what is there: a length that is announced and not there is Undecodable.
"""

import struct
from typing import Final

from ingest.errors import Undecodable
from ingest.scval import ScVal, read_scval
from ingest.strkeys import read_address

_MOST_VALUES: Final = 10_000
_MUXED: Final = 0x100
_KEY: Final = 32
_ACCOUNT_ARM: Final = struct.pack(">II", 0, 0)  # SCAddress of an account, ed25519

_uint32 = struct.Struct(">I").unpack_from


class Reader:
    """Reads forward. Raises Undecodable, or struct.error where the bytes end."""

    def __init__(self, xdr: bytes) -> None:
        self._xdr = xdr
        self.at = 0

    def uint32(self) -> int:
        """The next number."""
        number: int = _uint32(self._xdr, self.at)[0]
        self.at += 4
        return number

    def count(self, most: int, what: str) -> int:
        """The length of an array."""
        count = self.uint32()
        if count > most:
            raise Undecodable(f"{count} {what} are announced; at most {most} are read")
        return count

    def skip(self, size: int) -> None:
        """Pass bytes that say nothing of who acts."""
        if self.at + size > len(self._xdr):
            raise Undecodable("the envelope ends too early")
        self.at += size

    def optional(self, size: int) -> None:
        """Pass a value of fixed size that may be absent."""
        if self.uint32():
            self.skip(size)

    def opaque(self) -> bytes:
        """Length, bytes, padding."""
        length = self.uint32()
        begin = self.at
        self.skip(length + 3 & ~3)
        return self._xdr[begin : begin + length]

    def address(self) -> str:
        """The strkey of an SCAddress."""
        (_, strkey), self.at = read_address(self._xdr, self.at)
        return strkey

    def account_of_key(self) -> str:
        """The account (G…) of the public key here: a muxed account's id says nothing of who acts."""
        begin = self.at
        self.skip(_KEY)
        (_, strkey), _ = read_address(_ACCOUNT_ARM + self._xdr[begin : self.at], 0)
        return strkey

    def muxed_account(self) -> str:
        """The account (G…) of a MuxedAccount."""
        kind = self.uint32()
        if kind == _MUXED:
            self.skip(8)
        elif kind != 0:
            raise Undecodable(f"{kind} is not a known kind of account")
        return self.account_of_key()

    def scval(self) -> ScVal:
        """One ScVal."""
        value, self.at = read_scval(self._xdr, self.at)
        return value

    def scvals(self) -> list[ScVal]:
        """An array of them."""
        return [self.scval() for _ in range(self.count(_MOST_VALUES, "values"))]

    def preconditions(self) -> None:
        """Pass the Preconditions of a v1 transaction."""
        kind = self.uint32()
        if kind == 1:
            self.skip(16)
        elif kind == 2:
            self.optional(16)  # time bounds
            self.optional(8)  # ledger bounds
            self.optional(8)  # lowest sequence number
            self.skip(8 + 4)  # its age and ledger gap
            for _ in range(self.count(2, "extra signers")):
                self._signer()
        elif kind != 0:
            raise Undecodable(f"{kind} is not a known kind of preconditions")

    def _signer(self) -> None:
        kind = self.uint32()
        if kind > 3:
            raise Undecodable(f"{kind} is not a known kind of signer")
        self.skip(_KEY)
        if kind == 3:
            self.opaque()

    def memo(self) -> None:
        """Pass the memo."""
        kind = self.uint32()
        if kind == 1:
            self.opaque()
        elif kind in {2, 3, 4}:
            self.skip(8 if kind == 2 else _KEY)
        elif kind != 0:
            raise Undecodable(f"{kind} is not a known kind of memo")

    def asset(self) -> None:
        """Pass an Asset."""
        kind = self.uint32()
        if kind in {1, 2}:
            self.skip((4 if kind == 1 else 12) + 4 + _KEY)
        elif kind != 0:
            raise Undecodable(f"{kind} is not a known kind of asset")

    def executable(self) -> None:
        """Pass a ContractExecutable."""
        kind = self.uint32()
        if kind == 0:
            self.skip(_KEY)
        elif kind == 2:  # CAP-85's reference to another contract's code
            self.address()
            self.opaque()
        elif kind != 1:
            raise Undecodable(f"{kind} is not a known kind of executable")
