"""Whether a contract account signed: its own `__check_auth` decides, in a simulation on the network.

Only an RPC endpoint can run a contract. The invocation of `web_auth_verify` that both sides signed is
simulated with their entries; nothing is submitted, so nothing is spent and no entry is used up. A challenge
is good once by our own record of those that were met (api/sessions.py).
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from wallets import contract_entries
from wallets.contract_entries import Met, WebAuth
from wallets.errors import ChainUnreadable, EntriesRefused

_TIMEOUT_SECONDS: Final = 10.0
_LEDGER_SECONDS: Final = 5
_MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError)


class ContractAccounts:
    """Challenges contract accounts and proves them by Stellar RPC, one endpoint after the other."""

    def __init__(
        self,
        auth: WebAuth,
        urls: Sequence[str],
        *,
        seconds: int = 300,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._auth = auth
        self._urls = tuple(urls)
        self._ledgers = math.ceil(seconds / _LEDGER_SECONDS)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def challenge(self, account: str, nonce: str) -> str:
        """What the account is to sign, base64. Raises ChainUnreadable."""
        until = await self._latest_ledger() + self._ledgers
        return await asyncio.to_thread(contract_entries.made, self._auth, account, nonce, until)

    async def prove(self, account: str, nonce: str, signed: str) -> None:
        """Raises NotProven where the account did not sign the challenge, ChainUnreadable."""
        latest = await self._latest_ledger()
        found = await asyncio.to_thread(self._met, account, nonce, signed, latest)
        envelope = await asyncio.to_thread(self._envelope, found)
        said = await self._ask("simulateTransaction", {"transaction": envelope})
        if "error" in said:
            raise EntriesRefused("the account's contract does not accept the signature")
        if not _has_run(said):
            raise EntriesRefused("the network did not run the account's contract")

    def _met(self, account: str, nonce: str, signed: str, latest: int) -> Met:
        return contract_entries.met(self._auth, account, nonce, signed, latest)

    def _envelope(self, found: Met) -> str:
        return contract_entries.invocation_of(self._auth, found).to_xdr()

    async def _latest_ledger(self) -> int:
        said = await self._ask("getLatestLedger", {})
        try:
            return int(said["sequence"])
        except _MALFORMED as error:
            raise ChainUnreadable("the RPC endpoint told no ledger") from error

    async def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The `result` of the first endpoint that gives one. Raises ChainUnreadable."""
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        failed: list[str] = []
        async with aiohttp.ClientSession(timeout=self._timeout) as session:
            for url in self._urls:
                try:
                    async with session.post(url, json=question) as answer:
                        told = await answer.json(content_type=None)
                    found: dict[str, Any] = dict(told["result"])
                except (aiohttp.ClientError, OSError, *_MALFORMED) as error:
                    failed.append(type(error).__name__)
                else:
                    return found
        raise ChainUnreadable(
            f"no RPC endpoint ran the contract ({', '.join(failed) or 'none is named'})"
        )


def _has_run(said: Mapping[str, Any]) -> bool:
    """Whether the invocation ended well, and now: an archived entry would have to be restored first."""
    results = said.get("results")
    return isinstance(results, list) and len(results) == 1 and "restorePreamble" not in said
