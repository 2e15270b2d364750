"""Ledgers drawn at random with the SDK's types, whose hashes fit, and what getEvents would tell of them.

What is expected is worked out from the SDK's objects as stellar-rpc's db/event.go does from Go's.
"""

import random
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from stellar_sdk import StrKey, xdr

from tests.fakes.drawn_xdr import drawn

SEQUENCE = 3_727_845
CLOSED_AT = 1_784_655_000
WANTED = bytes(range(32))
ALSO_WANTED = bytes(range(1, 33))
STRKEYS = {raw: StrKey.encode_contract(raw) for raw in (WANTED, ALSO_WANTED)}
_STAGES = xdr.TransactionEventStage
_BODIES = {0: xdr.LedgerCloseMetaV0, 1: xdr.LedgerCloseMetaV1, 2: xdr.LedgerCloseMetaV2}


def drawn_meta(seed: int, version: int) -> xdr.LedgerCloseMeta:
    """A close meta of ledger SEQUENCE. Some of its events are of wanted contracts."""
    dice = random.Random(seed)
    body: Any = drawn(_BODIES[version], dice)
    kind = xdr.TransactionResultMetaV1 if version == 2 else xdr.TransactionResultMeta
    body.tx_processing = [_walkable(kind, dice) for _ in range(dice.randrange(7))]
    for event in _events_in(body):
        if dice.random() < 0.8:
            event.contract_id = xdr.ContractID(xdr.Hash(dice.choice((WANTED, ALSO_WANTED))))
    seal(body, version)
    return xdr.LedgerCloseMeta(version, **{f"v{version}": body})


def _walkable(kind: Any, dice: random.Random) -> Any:
    """Without the network's settings, which no transaction changes."""
    while True:
        result = drawn(kind, dice)
        entries = _all_of(result, xdr.LedgerEntry)
        if all(each.data.type != xdr.LedgerEntryType.CONFIG_SETTING for each in entries):
            return result


def seal(body: Any, version: int) -> None:
    """Make the header tell of this ledger: number, close time, hashes, its own hash last."""
    header = body.ledger_header.header
    header.ledger_seq = xdr.Uint32(SEQUENCE)
    header.scp_value.close_time = xdr.TimePoint(xdr.Uint64(CLOSED_AT))
    header.scp_value.tx_set_hash = xdr.Hash(_set_hash(body.tx_set, version))
    pairs = [each.result.to_xdr_bytes() for each in body.tx_processing]
    digest = sha256(len(pairs).to_bytes(4) + b"".join(pairs)).digest()
    header.tx_set_result_hash = xdr.Hash(digest)
    body.ledger_header.hash = xdr.Hash(sha256(header.to_xdr_bytes()).digest())


def _set_hash(tx_set: Any, version: int) -> bytes:
    if version > 0:
        return sha256(tx_set.to_xdr_bytes()).digest()
    envelopes = b"".join(each.to_xdr_bytes() for each in tx_set.txs)
    return sha256(tx_set.previous_ledger_hash.hash + envelopes).digest()


def expected(meta: xdr.LedgerCloseMeta) -> list[tuple[Any, ...]]:
    """(id, type, strkey, hex hash, topics, value) of the wanted events that getEvents would tell."""
    body: Any = meta.v0 or meta.v1 or meta.v2
    told = []
    counts = {_STAGES.TRANSACTION_EVENT_STAGE_BEFORE_ALL_TXS: 0}
    counts[_STAGES.TRANSACTION_EVENT_STAGE_AFTER_ALL_TXS] = 0
    for order, each in enumerate(body.tx_processing, start=1):
        counts[_STAGES.TRANSACTION_EVENT_STAGE_AFTER_TX] = 0
        for (tx, op, index), event in _placed(each.tx_apply_processing, order, counts):
            raw = event.contract_id and event.contract_id.contract_id.hash
            if raw in STRKEYS and event.type != xdr.ContractEventType.DIAGNOSTIC:
                told.append(
                    (
                        f"{SEQUENCE << 32 | tx << 12 | op:019d}-{index:010d}",
                        event.type.name.lower(),
                        STRKEYS[raw],
                        each.result.transaction_hash.hash.hex(),
                        [topic.to_xdr_bytes() for topic in event.body.v0.topics],
                        event.body.v0.data.to_xdr_bytes(),
                    )
                )
    return sorted(told, key=lambda event: event[0])


def _placed(
    meta: xdr.TransactionMeta, order: int, counts: dict[Any, int]
) -> Iterator[tuple[tuple[int, int, int], xdr.ContractEvent]]:
    if meta.v == 3 and meta.v3.soroban_meta is not None:
        for index, event in enumerate(meta.v3.soroban_meta.events):
            yield (order, 0, index), event
    if meta.v != 4:
        return
    for each in meta.v4.events:
        index = counts[each.stage]
        counts[each.stage] += 1
        place = {
            _STAGES.TRANSACTION_EVENT_STAGE_BEFORE_ALL_TXS: (0, 0, index),
            _STAGES.TRANSACTION_EVENT_STAGE_AFTER_TX: (order, 4095, index),
            _STAGES.TRANSACTION_EVENT_STAGE_AFTER_ALL_TXS: (1_048_575, 0, index),
        }
        yield place[each.stage], each.event
    for op, operation in enumerate(meta.v4.operations):
        for index, event in enumerate(operation.events):
            yield (order, op, index), event


def _events_in(body: Any) -> list[xdr.ContractEvent]:
    return _all_of(body.tx_processing, xdr.ContractEvent)


def _all_of(value: Any, kind: type) -> list[Any]:
    """Every value of a type that is held anywhere within."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, list):
        return [found for each in value for found in _all_of(each, kind)]
    is_leaf = isinstance(value, int | str | bytes) or value is None
    held = () if is_leaf else vars(value).values()
    return [found for each in held for found in _all_of(each, kind)]
