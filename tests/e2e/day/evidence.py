"""All that a day is judged by, as plain values: what should be, what the database says, what came."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from notifier.webhooks.subscriptions import WEBHOOK
from simulator.truth import TruthLine
from tests.e2e.day.people import Person
from tests.e2e.day.posts import Post

STREAM_NEWS = ("paused", "resumed", "cancelled")
CONTRACT_NEWS = ("contract_paused", "contract_resumed")
# Boxes of receivers that know a repeat by its id. A browser's is apart from what else is pushed.
WEB_PUSH = "web_push"
IDEMPOTENT = (WEBHOOK, WEB_PUSH)
_OPEN = ("planned", "held", "pending", "queued", "claimed", "handed_off", "retry_wait")
TAKEN = ("accepted", "delivered", "bounced", "complained")


class Want(NamedTuple):
    """That this person is to know of this event."""

    account: str
    event_id: str


class Delivery(NamedTuple):
    """A row of `delivery` with what its notice is about; times in microseconds.

    `results`: of its attempts, in their order; None: nobody knows how it ended. `marked`: how many of them
    had the hand-off mark. `lane`: within one they leave in the order of `lane_position`. `stream_id`: None:
    it is about the contract.
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
    in_browser: bool = False
    lane: str | None = None
    lane_position: int | None = None
    marked: int = 0
    stream_id: int | None = None

    @property
    def box(self) -> str:
        """The catcher's box that it goes to."""
        return WEB_PUSH if self.in_browser else self.channel

    @property
    def may_have_left(self) -> int:
        """How many of its tries may have left something at the far side."""
        return sum(result in (None, "accepted", "unknown") for result in self.results)


class Caught(NamedTuple):
    """What a catcher took. `mark`: of whose letter; `identity`: the provider's; `at`: microseconds.

    `body`: by which a repeat is compared, at receivers that know one; `is_digest`: it tells several news.
    """

    box: str
    mark: str
    identity: str
    at: int
    body: str = ""
    post: Post | None = None
    is_digest: bool = False


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
                found.setdefault((each.box, self.mark_of(each)), []).append(each)
        return found

    @cached_property
    def lane_heads(self) -> dict[str, int]:
        """Where each lane is: the place of the first that has not come to its end."""
        heads: dict[str, int] = {}
        for each in self.deliveries:
            if each.lane is not None and each.lane_position is not None and each.state in _OPEN:
                heads[each.lane] = min(each.lane_position, heads.get(each.lane, each.lane_position))
        return heads

    @cached_property
    def letters(self) -> dict[tuple[str, str], list[Caught]]:
        found: dict[tuple[str, str], list[Caught]] = {}
        for each in self.caught:
            found.setdefault((each.box, each.mark), []).append(each)
        return found

    @cached_property
    def identities(self) -> set[tuple[str, str]]:
        return {(each.box, each.identity) for each in self.caught}


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
