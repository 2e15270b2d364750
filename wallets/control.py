"""Whether an account's own key still controls it: weights and thresholds, as the network has them.

Holding a key is not controlling the account: it may have other signers, and its own key may weigh nothing.
SEP-10 asks for the medium threshold before it lets anybody act for an account; so do we before anything is
changed in its name. An account that is not on the network yet has no signer but its key.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import aiohttp

from wallets.errors import ChainUnreadable

if TYPE_CHECKING:
    from stellar_sdk import xdr

_MASTER, _MEDIUM = 0, 2  # places in `thresholds` (Stellar-ledger-entries.x, ThresholdIndexes)
_TIMEOUT_SECONDS: Final = 5.0
# What a node's answer that is not of its shape raises, the SDK's reading of XDR included.
_MALFORMED: Final = (KeyError, TypeError, ValueError, EOFError, AssertionError, AttributeError)


class Control(NamedTuple):
    """What the account's own key may do. `on_network`: the account exists there."""

    on_network: bool
    weight: int
    medium: int

    @property
    def suffices(self) -> bool:
        """Whether the key alone may act for the account; a key of no weight never may."""
        return not self.on_network or self.weight >= max(1, self.medium)


class ControlSource(Protocol):
    """Where control of accounts is looked up."""

    async def of(self, account: str) -> Control:
        """The account's. Raises ChainUnreadable."""
        ...


class RpcControl:
    """Asks Stellar RPC's getLedgerEntries, one endpoint after the other."""

    def __init__(self, urls: Sequence[str], *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._urls = tuple(urls)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def of(self, account: str) -> Control:
        """The account's. Raises ChainUnreadable where no endpoint answers."""
        owner = await asyncio.to_thread(_owner, account)
        failed: list[str] = []
        for url in self._urls:
            try:
                return _read(await self._ask(url, owner), owner)
            except (aiohttp.ClientError, OSError, *_MALFORMED) as error:
                failed.append(type(error).__name__)
        raise ChainUnreadable(
            f"no RPC endpoint told of the account ({', '.join(failed) or 'none is named'})"
        )

    async def _ask(self, url: str, owner: "xdr.AccountID") -> list[str]:
        """The entries (XDR) of the account: one or none. Raises KeyError, TypeError, ValueError."""
        from stellar_sdk import xdr

        key = xdr.LedgerKey(
            xdr.LedgerEntryType.ACCOUNT, account=xdr.LedgerKeyAccount(account_id=owner)
        )
        question = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "getLedgerEntries",
            "params": {"keys": [key.to_xdr()]},
        }
        async with (
            aiohttp.ClientSession(timeout=self._timeout) as session,
            session.post(url, json=question) as answer,
        ):
            told = await answer.json(content_type=None)
        return [str(entry["xdr"]) for entry in told["result"]["entries"]]


def _owner(account: str) -> "xdr.AccountID":
    """In a thread: the first import of the SDK takes half a second."""
    from stellar_sdk import Keypair

    return Keypair.from_public_key(account).xdr_account_id()


def _read(entries: Sequence[str], owner: "xdr.AccountID") -> Control:
    """Weight and threshold of an entry. Raises ValueError where it is another account's."""
    from stellar_sdk import xdr

    if not entries:
        return Control(on_network=False, weight=1, medium=0)
    account = xdr.LedgerEntryData.from_xdr(entries[0]).account
    if account is None or account.account_id != owner:
        raise ValueError("the node answered with another entry than was asked for")
    thresholds = account.thresholds.thresholds
    return Control(on_network=True, weight=thresholds[_MASTER], medium=thresholds[_MEDIUM])
