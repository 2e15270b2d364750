"""One event filter of getEvents: its JSON, its rules with their exact words, and what it matches.

Topic count must be equal unless the filter ends in `**`. Source: go-stellar-sdk
`protocols/rpc/get_events.go`.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from simulator.ledger import ContractEvent
from simulator.request_fields import field, undecodable

MAX_CONTRACT_IDS = 5
MAX_TOPICS = 5
MAX_SEGMENTS = 4


class EventFilter(NamedTuple):
    """A part that is empty lets everything through."""

    types: frozenset[str]
    contract_ids: tuple[str, ...]
    topics: tuple[tuple[str, ...], ...]

    @classmethod
    def decode(cls, raw: Any) -> Self:
        """Read the JSON object. Raises RpcFailure for what the server cannot unmarshal."""
        if not isinstance(raw, dict):
            raise undecodable("json: cannot unmarshal filter")
        joined = field(raw, "type", str, "")
        contract_ids = field(raw, "contractIds", list, [])
        topics = field(raw, "topics", list, [])
        if not all(isinstance(each, str) for each in contract_ids):
            raise undecodable("json: cannot unmarshal contractIds")
        if not all(isinstance(each, list) and all(map(_is_segment, each)) for each in topics):
            raise undecodable("decoding XDR: invalid topic segment")
        types = frozenset(joined.split(",") if joined else ())
        return cls(types, tuple(contract_ids), tuple(map(tuple, topics)))

    def fault(self) -> str | None:
        """The first rule that the filter breaks, in the server's words."""
        from stellar_sdk import StrKey

        if not self.types <= {"system", "contract"}:
            return "filter type invalid: if set, type must be either 'system' or 'contract'"
        if len(self.contract_ids) > MAX_CONTRACT_IDS:
            return "maximum 5 contract IDs per filter"
        if len(self.topics) > MAX_TOPICS:
            return "maximum 5 topics per filter"
        for number, contract_id in enumerate(self.contract_ids, start=1):
            if not StrKey.is_valid_contract(contract_id):
                return f"contract ID {number} invalid"
        for number, topic in enumerate(self.topics, start=1):
            fault = _topic_fault(topic)
            if fault:
                return f"topic {number} invalid: {fault}"
        return None

    def matches(self, event: ContractEvent) -> bool:
        """Type and contract and any of the topic filters."""
        if self.types and event.type not in self.types:
            return False
        if self.contract_ids and event.contract_id not in self.contract_ids:
            return False
        return not self.topics or any(_topics_match(each, event.topics) for each in self.topics)


def _is_segment(segment: Any) -> bool:
    if segment in ("*", "**"):
        return True
    from stellar_sdk import xdr

    try:
        raw = base64.b64decode(segment, validate=True)
        return bool(raw) and xdr.SCVal.from_xdr_bytes(raw).to_xdr_bytes() == raw
    except (TypeError, ValueError, EOFError, AssertionError, binascii.Error):
        return False


def _topic_fault(topic: Sequence[str]) -> str | None:
    if not topic:
        return "topic must have at least 1 segment"
    fixed = topic[:-1] if topic[-1] == "**" else topic
    if "**" in fixed:
        place = fixed.index("**") + 1
        return f"segment {place} invalid: wildcard '**' is only allowed as the last segment"
    if len(fixed) > MAX_SEGMENTS:
        return "topic cannot have more than 4 segments"
    return None


def _topics_match(wanted: tuple[str, ...], topics: tuple[str, ...]) -> bool:
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        if len(topics) < len(wanted):
            return False
    elif len(topics) != len(wanted):
        return False
    return all(segment in ("*", topic) for segment, topic in zip(wanted, topics, strict=False))
