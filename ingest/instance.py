"""A contract's instance entry: whether the contract exists, what code it runs, what it keeps there.

Keys and entries are XDR of Stellar-ledger-entries.x: LedgerKey and LedgerEntryData, arm CONTRACT_DATA.
"""

import base64
import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ingest.errors import Undecodable
from ingest.rpc import EventSource, LedgerEntry
from ingest.scval import decode_scval

_CONTRACT_DATA: Final = 6
_CONTRACT_ADDRESS: Final = 1
_INSTANCE_KEY: Final = 20  # SCV_LEDGER_KEY_CONTRACT_INSTANCE
_PERSISTENT: Final = 1
# LedgerEntryData before its value: arm, extension, address with its arm, key, durability.
_VALUE_AT: Final = 4 + 4 + 36 + 4 + 4


_KEYS_PER_REQUEST: Final = 200  # what stellar-rpc takes
# The contract's address: in a LedgerKey behind the arm, in LedgerEntryData behind arm and extension.
_IN_KEY, _IN_ENTRY = slice(4, 40), slice(8, 44)


class Instance(NamedTuple):
    """What the network has of a contract.

    `wasm`: hex hash of its code, None where it is no wasm contract. `kept`: entries of its instance
    storage. `archived`: it has to be restored before anybody can use it.
    """

    wasm: str | None
    kept: int
    changed_at_ledger: int
    archived: bool


def instance_key(contract_id: str) -> bytes:
    """The LedgerKey of a contract's instance; `contract_id` is a valid strkey."""
    contract = base64.b32decode(contract_id)[1:-2]
    head = struct.pack(">II", _CONTRACT_DATA, _CONTRACT_ADDRESS)
    return head + contract + struct.pack(">II", _INSTANCE_KEY, _PERSISTENT)


def read_instance(entry: LedgerEntry) -> Instance:
    """Read the entry. Raises Undecodable."""
    (executable, wasm), storage = instance_content(entry)
    return Instance(
        wasm.hex() if executable == "wasm" else None,
        len(storage or []),
        entry.last_modified_ledger_seq,
        entry.live_until_ledger_seq == 0,  # what stellar-rpc says of archived entries
    )


def instance_content(entry: LedgerEntry) -> Any:
    """(executable, its hash) and the pairs of values that it keeps, or None. Raises Undecodable."""
    kind, content = decode_scval(entry.xdr[_VALUE_AT:])
    if kind != "contract_instance":
        raise Undecodable(f"a {kind} stands where the contract's instance should")
    return content


async def fetch_instances(rpc: EventSource, contract_ids: Sequence[str]) -> dict[str, Instance]:
    """The instances of those contracts that exist. Raises as EventSource, Undecodable."""
    found: dict[str, Instance] = {}
    for first in range(0, len(contract_ids), _KEYS_PER_REQUEST):
        some = contract_ids[first : first + _KEYS_PER_REQUEST]
        keys = [instance_key(contract_id) for contract_id in some]
        names = {key[_IN_KEY]: name for key, name in zip(keys, some, strict=True)}
        for entry in (await rpc.ledger_entries(keys)).found:
            name = names.get(entry.xdr[_IN_ENTRY])
            if name is None:
                raise Undecodable("the endpoint gave an entry of a contract that was not asked for")
            found[name] = read_instance(entry)
    return found
