"""What is posted to a webhook: the notice as JSON, and the receiver with the secrets that sign now.

In: claims of the channel `webhook`. Out: Letters whose texts are the bodies, made of what one reading finds
for all. The same delivery always makes the same body: it is read from the notice as it was planned.

    {"type": "stream.paused", "timestamp": "2026-03-02T09:15:00Z",
     "network": "Public Global Stellar Network",
     "data": {"notice_id": "…", "reference": "8F3A…", "event_id": "…", "position": "42",
              "contract_id": "C…", "stream_id": "7", "late": false, …}}

`network` is the name of the network that the news is of, in every body, production's too: a receiver that
got the address of a test deployment tells it from the real one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, select

from notifier.channels.channel import Letter
from notifier.channels.webhook import Receiver, destination_of
from notifier.content import decode_content
from notifier.errors import DestinationRejected
from notifier.news import CONTRACT_PAUSED, CONTRACT_RESUMED
from notifier.privacy import Vault
from notifier.schema import notice
from notifier.webhooks.schema import webhook
from notifier.webhooks.subscriptions import live_secrets, open_private
from store.among import among, uuids

TEST = "webhook.test"
_NOTICES = select(notice).where(among(notice.c.notice_id, uuids("are_told")))
_WEBHOOKS = select(webhook).where(among(webhook.c.webhook_id, uuids("are_theirs")))
_CONTRACT_KINDS = {CONTRACT_PAUSED: "contract.paused", CONTRACT_RESUMED: "contract.resumed"}


class Held(Protocol):
    """What a claim says of the delivery that it holds; times in microseconds."""

    @property
    def delivery_id(self) -> UUID:
        """The delivery, and what the receiver knows a repeat by."""
        ...

    @property
    def notice_id(self) -> UUID:
        """What it tells."""
        ...

    @property
    def contact_id(self) -> UUID | None:
        """The subscription."""
        ...

    @property
    def planned_at(self) -> int:
        """When it was planned."""
        ...

    @property
    def deadline_at(self) -> int:
        """When it is given up."""
        ...

    @property
    def claimed_at(self) -> int:
        """Now: which secrets sign."""
        ...


def event_type(kind: str) -> str:
    """A kind of notice as the payload names it: `stream.paused`, `contract.resumed`."""
    return _CONTRACT_KINDS.get(kind, f"stream.{kind}")


class Posting(NamedTuple):
    """What a post is made of: rows of its notice and of its subscription, None where that is gone."""

    notice: Row[Any]
    webhook: Row[Any] | None


def look_up(conn: Connection, claims: Sequence[Held]) -> dict[UUID, Posting]:
    """What the posts of these are made of, by delivery."""
    if not claims:
        return {}
    theirs = [each.contact_id for each in claims if each.contact_id is not None]
    told = conn.execute(_NOTICES, {"are_told": [each.notice_id for each in claims]})
    notices = {row.notice_id: row for row in told}
    webhooks = {row.webhook_id: row for row in conn.execute(_WEBHOOKS, {"are_theirs": theirs})}
    return {
        each.delivery_id: Posting(notices[each.notice_id], webhooks.get(each.contact_id))
        for each in claims
        if each.notice_id in notices
    }


def read(made_of: Posting, vault: Vault, held: Held, network: str) -> tuple[Letter, str]:
    """The letter and where it would go. Raises DestinationRejected once the subscription is gone."""
    row = made_of.webhook
    if row is None or row.private is None:
        raise DestinationRejected("the subscription was deleted")
    return post(made_of.notice, held, network), receiver(vault, row, held.claimed_at)


def receiver(vault: Vault, row: Row[Any], now: int) -> str:
    """A subscription's receiver as the channel takes it."""
    private = open_private(vault, row)
    keys = tuple(secret.key for secret in live_secrets(private, now))
    return destination_of(Receiver(private.url, keys))


def post(told: Row[Any], held: Held, network: str) -> Letter:
    """A notice as a body; `network`: its name."""
    content = decode_content(told.content)
    data = {
        "notice_id": str(told.notice_id),
        "reference": content.reference,
        "event_id": told.cause_event_id,
        "position": str(told.position),
        "contract_id": told.contract_id,
        "stream_id": None if told.stream_id is None else str(told.stream_id),
        "happened_at": _time(content.happened_at),
        "late": content.late,
        "start_known": content.start_known,
        "paused_since": _time(content.paused_since),
        "link": content.link,
        "pauses": [
            {"paused_at": _time(each.paused_at), "resumed_at": _time(each.resumed_at)}
            for each in content.pauses
        ],
    }
    return _letter(
        held.delivery_id,
        _body(event_type(content.kind), content.happened_at, network, data),
        planned_at=held.planned_at,
        deadline_at=held.deadline_at,
    )


def test_post(identity: UUID, webhook_id: UUID, now: int, network: str) -> Letter:
    """A body by which a receiver can be tried out; `now`: microseconds, `network`: its name."""
    data = {"webhook_id": str(webhook_id)}
    body = _body(TEST, now // 1_000_000, network, data)
    return _letter(identity, body, planned_at=now, deadline_at=now)


def _body(kind: str, at: int, network: str, data: dict[str, Any]) -> dict[str, Any]:
    """What every post has; `at`: unix seconds."""
    return {"type": kind, "timestamp": _time(at), "network": network, "data": data}


def _letter(identity: UUID, body: Any, *, planned_at: int, deadline_at: int) -> Letter:
    return Letter(
        delivery_id=identity,
        thread="",
        subject=body["type"],
        text=msgspec.json.encode(body).decode(),
        html=None,
        planned_at=planned_at,
        deadline_at=deadline_at,
    )


def _time(unix_seconds: int | None) -> str | None:
    if unix_seconds is None:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat().replace("+00:00", "Z")
