"""All that a day is judged by, as plain values: what should be, what the database says, what came."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from simulator.truth import TruthLine
from tests.e2e.day.people import Person

STREAM_NEWS = ("paused", "resumed", "cancelled")
CONTRACT_NEWS = ("contract_paused", "contract_resumed")
TAKEN = ("accepted", "delivered", "bounced", "complained")


class Want(NamedTuple):
    """That this person is to know of this event."""

    account: str
    event_id: str


class Delivery(NamedTuple):
    """A row of `delivery` with what its notice is about; times in microseconds.

    `results`: of its attempts, in their order; None: nobody knows how it ended.
    """

    delivery_id: UUID
    notice_id: UUID
    account: str
    event_id: str
    kind: str
    channel: str
    state: str
    reason: str | None = None
    purpose: str | None = None
    digest: bool = False
    carried_by: UUID | None = None
    possible_duplicate: bool = False
    available_at: int = 0
    planned_at: int = 0
    released_at: int | None = None
    handed_off_at: int | None = None
    provider_message_id: str | None = None
    results: tuple[str | None, ...] = ()
    told_seconds: float | None = None

    @property
    def may_have_left(self) -> int:
        """How many of its tries may have left something at the far side."""
        return sum(result in (None, "accepted", "unknown") for result in self.results)


class Caught(NamedTuple):
    """What a catcher took. `mark`: of whose letter; `identity`: the provider's; `at`: microseconds."""

    channel: str
    mark: str
    identity: str
    at: int


class Evidence(msgspec.Struct, kw_only=True, dict=True):
    """`held_seen`: why each delivery was held that was ever seen so. `now`: when it was read.

    `unknown_seen`: those of which nobody knew at some time. `mark_of`: what tells whose a letter is.
    """

    people: Mapping[str, Person]
    wants: list[Want]
    deliveries: list[Delivery]
    caught: list[Caught]
    held_seen: Mapping[UUID, str]
    unknown_seen: AbstractSet[UUID]
    caps: Mapping[str, int]
    now: int
    mark_of: Any

    @cached_property
    def by_id(self) -> dict[UUID, Delivery]:
        return {each.delivery_id: each for each in self.deliveries}

    @cached_property
    def by_mark(self) -> dict[tuple[str, str], list[Delivery]]:
        found: dict[tuple[str, str], list[Delivery]] = {}
        for each in self.deliveries:
            if each.channel != "in_app":
                found.setdefault((each.channel, self.mark_of(each)), []).append(each)
        return found

    @cached_property
    def letters(self) -> dict[tuple[str, str], list[Caught]]:
        found: dict[tuple[str, str], list[Caught]] = {}
        for each in self.caught:
            found.setdefault((each.channel, each.mark), []).append(each)
        return found

    @cached_property
    def identities(self) -> set[tuple[str, str]]:
        return {(each.channel, each.identity) for each in self.caught}


def wanted(truth: Iterable[TruthLine]) -> list[Want]:
    """Both parties of a stream are to know of it; of a contract's stop, all whose streams were never ended.

    Whoever's stream ended may or may not be told of the contract: that hangs on who was faster.
    """
    lines = list(truth)
    ended = {line["stream_id"] for line in lines if line["kind"] == "cancelled"}
    parties: dict[str, set[str]] = {}
    wants: dict[Want, None] = {}
    for line in lines:
        if line["stream_id"] is not None:
            parties[line["stream_id"]] = {line["employer"], line["employee"]}
        concerned: set[str] = set()
        if line["kind"] in STREAM_NEWS:
            concerned = parties[line["stream_id"]]
        elif line["kind"] in CONTRACT_NEWS:
            lasting = (each for stream, each in parties.items() if stream not in ended)
            concerned = set().union(*lasting)
        wants |= dict.fromkeys(Want(account, line["event_id"]) for account in sorted(concerned))
    return list(wants)
