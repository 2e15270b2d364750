"""How a token is called and counted: the metadata that its contract keeps with its instance.

Source: the Stellar Asset Contract and soroban-token-sdk keep `METADATA` (a symbol) in instance storage,
a map of `decimal` (u32), `name` and `symbol` (strings). Anybody can deploy a token and call it anything,
and what it is called goes into people's letters: a symbol is taken only where it looks like an asset code.
"""

import re
from typing import Any, Final, NamedTuple

from ingest.errors import Undecodable
from ingest.instance import instance_content
from ingest.rpc import LedgerEntry

_KEY: Final = ("symbol", "METADATA")
_NATIVE: Final = "native"
_ASSET_CODE: Final = re.compile(r"[A-Za-z0-9]{1,12}")  # as on the classic network
_MOST_DECIMALS: Final = 38  # an i128 has no more digits


class Metadata(NamedTuple):
    """`decimals`: how many digits of a whole number of base units stand behind the point."""

    symbol: str
    decimals: int


def read_metadata(entry: LedgerEntry) -> Metadata:
    """Read a token's instance. Raises Undecodable, also for what should not be shown to people."""
    _, storage = instance_content(entry)
    for key, value in storage or []:
        if key == _KEY:
            return _metadata(value)
    raise Undecodable("the token keeps no METADATA with its instance")


def _metadata(value: Any) -> Metadata:
    kind, items = value
    if kind != "map":
        raise Undecodable(f"METADATA is a {kind}, not a map")
    fields = {key[1]: field for key, field in items or [] if key[0] == "symbol"}
    decimals = _taken(fields, "decimal", "u32")
    symbol = _taken(fields, "symbol", "string")
    if isinstance(symbol, bytes):
        symbol = symbol.decode("utf-8", "replace")
    if symbol == _NATIVE:
        symbol = "XLM"
    if not _ASSET_CODE.fullmatch(symbol):
        raise Undecodable("the token's symbol is no asset code of 1 to 12 letters and digits")
    if decimals > _MOST_DECIMALS:
        raise Undecodable(f"the token has {decimals} decimals, more than {_MOST_DECIMALS}")
    return Metadata(symbol, decimals)


def _taken(fields: dict[Any, Any], name: str, kind: str) -> Any:
    found, value = fields.get(name, (None, None))
    if found != kind:
        raise Undecodable(f"{name} of METADATA is a {found}, not a {kind}")
    return value
