"""The one question of every sign-in, also where only the network can answer it.

In: an address of any kind, the challenge, and what its holder made of it: a signature of the message, or,
of a contract, signed authorization entries. Out: a Proof, or a WalletError. Callers ask the same for
every kind; proof.py answers what needs no network.
"""

import asyncio
from typing import Protocol

from wallets.addresses import Kind, parse_address
from wallets.errors import KeyMissing
from wallets.proof import Proof, verify


class Contracts(Protocol):
    """Who challenges contract accounts and proves them (contract_accounts.py)."""

    async def challenge(self, account: str, nonce: str) -> str:
        """What the account is to sign. Raises ChainUnreadable."""
        ...

    async def prove(self, account: str, nonce: str, signed: str) -> None:
        """Raises NotProven, ChainUnreadable."""
        ...


class Prover:
    """Challenges and proves addresses. `contracts` None: contract accounts are not known here."""

    def __init__(self, contracts: Contracts | None = None) -> None:
        self._contracts = contracts

    async def entries(self, address: str, nonce: str) -> str | None:
        """What is to be signed besides the message; None: the message is. Raises ChainUnreadable."""
        claimed = parse_address(address)
        if claimed.kind is not Kind.CONTRACT or self._contracts is None:
            return None
        return await self._contracts.challenge(claimed.account, nonce)

    async def verify(
        self,
        address: str,
        message: str,
        signature: str,
        public_key: str | None = None,
        *,
        nonce: str,
    ) -> Proof:
        """Prove an address. `nonce`: what a contract's entries name in place of the message.

        Raises InvalidValue for what is no address, NotProven for what proves nothing, ChainUnreadable.
        """
        claimed = parse_address(address)
        if claimed.kind is not Kind.CONTRACT or public_key is not None:
            return await asyncio.to_thread(verify, address, message, signature, public_key)
        if self._contracts is None:
            raise KeyMissing(claimed.kind.value)
        await self._contracts.prove(claimed.account, nonce, signature)
        return Proof(claimed, None, bound=True)
