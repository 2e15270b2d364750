"""Whether a contract account signed: its own `__check_auth` decides, in a simulation on the network.

Only an RPC endpoint can run a contract. The invocation of `web_auth_verify` that both sides signed is
simulated with their entries; nothing is submitted, so nothing is spent and no entry is used up. A challenge
is good once by our own record of those that were met (api/sessions.py).
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wallets import contract_entries
from wallets.chain_questions import ChainQuestions
from wallets.contract_entries import Met, WebAuth
from wallets.errors import EntriesRefused

_LEDGER_SECONDS: Final = 5
_QUESTIONS_A_MINUTE: Final = (
    120  # of one process, whoever asks: an endpoint's quota is the indexer's too
)


class ContractAccounts:
    """Challenges contract accounts and proves them by Stellar RPC, one endpoint after the other."""

    def __init__(
        self,
        auth: WebAuth,
        urls: Sequence[str],
        *,
        seconds: int = 300,
        most_a_minute: int = _QUESTIONS_A_MINUTE,
    ) -> None:
        self._auth = auth
        self._ledgers = math.ceil(seconds / _LEDGER_SECONDS)
        self._chain = ChainQuestions(urls, most_a_minute=most_a_minute)

    async def challenge(self, account: str, nonce: str) -> str:
        """What the account is to sign, base64. Raises ChainUnreadable."""
        until = await self._chain.latest_ledger() + self._ledgers
        return await asyncio.to_thread(contract_entries.made, self._auth, account, nonce, until)

    async def prove(self, account: str, nonce: str, signed: str) -> None:
        """Raises NotProven where the account did not sign the challenge, ChainUnreadable."""
        latest = await self._chain.latest_ledger()
        found = await asyncio.to_thread(self._met, account, nonce, signed, latest)
        envelope = await asyncio.to_thread(self._envelope, found)
        said = await self._chain.ask("simulateTransaction", {"transaction": envelope})
        if "error" in said:
            raise EntriesRefused("the account's contract does not accept the signature")
        if not _has_run(said):
            raise EntriesRefused("the network did not run the account's contract")

    def _met(self, account: str, nonce: str, signed: str, latest: int) -> Met:
        return contract_entries.met(self._auth, account, nonce, signed, latest)

    def _envelope(self, found: Met) -> str:
        return contract_entries.invocation_of(self._auth, found).to_xdr()


def _has_run(said: Mapping[str, Any]) -> bool:
    """Whether the invocation ended well, and now: an archived entry would have to be restored first."""
    results = said.get("results")
    return isinstance(results, list) and len(results) == 1 and said.get("restorePreamble") is None
