"""Deliveries as planning leaves them: a recipient with a contact, a notice, a pending delivery."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, select

from notifier.content import TEMPLATE_VERSION, Content, encode_content
from notifier.privacy import Vault, new_key, recipient_id
from notifier.recipients import Private, seal_destination, seal_private
from notifier.schema import attempt, contact, delivery, notice, recipient
from notifier.sites import site_lookup
from store.clock import now_micros

CONTRACT = "CDZZZ3A7B2WZ5F2JV6C5O6SXH5KPGI7VXRCD3TYKOBEZPI2X3BHNXXXX"
HOUR = 3_600_000_000
MASTER_KEY = b"k" * 32
PLACES = {
    "email": "ana@example.test",
    "sms": "+15550100001",
    "push": "ntfy:pausewire-ana",
    "webhook": "https://hooks.example.test/pausewire",
}


def vault() -> Vault:
    return Vault(MASTER_KEY)


def content(**changes: Any) -> Content:
    facts: dict[str, Any] = {
        "kind": "paused",
        "role": "employee",
        "contract_id": CONTRACT,
        "stream_id": 7,
        "happened_at": 1_790_000_000,
        "learned_at": 1_790_000_003,
        "reference": "PW-TEST",
    }
    return Content(**(facts | changes))


def plan(
    conn: Connection, channel: str = "email", *, destination: str | None = None, **changes: Any
) -> UUID:
    """One pending delivery; `changes` overrides its columns. Returns its id."""
    (planned,) = plan_many(conn, [destination or PLACES[channel]], channel=channel, **changes)
    return planned


def plan_many(
    conn: Connection, destinations: list[str], *, channel: str = "email", **changes: Any
) -> list[UUID]:
    rows = list(_rows(channel, destinations, changes))
    for table, at in ((recipient, 0), (contact, 1), (notice, 2), (delivery, 3)):
        conn.execute(insert(table), [row[at] for row in rows])
    return [row[3]["delivery_id"] for row in rows]


def _rows(
    channel: str, destinations: list[str], changes: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], ...]]:
    box, now = vault(), now_micros()
    for destination in destinations:
        key, account = new_key(), uuid4().hex
        who = recipient_id(key, account)
        contact_id, notice_id = uuid4(), uuid4()
        yield (
            {
                "recipient_id": who,
                "account_lookup": box.account_lookup(account),
                "wrapped_key": box.wrap(key, who),
                "private": seal_private(key, who, Private(account)),
                "created_at": now,
            },
            {
                "contact_id": contact_id,
                "recipient_id": who,
                "channel": channel,
                "destination": seal_destination(key, contact_id, destination),
                "destination_lookup": box.destination_lookup(channel, destination),
                "verified_at": now,
                "created_at": now,
                "site_lookup": site_lookup(box, channel, destination),
            },
            {
                "notice_id": notice_id,
                "recipient_id": who,
                "kind": "paused",
                "cause_event_id": "0000000000000000001-0000000000",
                "position": 1,
                "contract_id": CONTRACT,
                "stream_id": 7,
                "late": False,
                "content": encode_content(content()),
                "template_version": TEMPLATE_VERSION,
                "language": "en",
                "closed_at": now // 1_000_000 - 3,
                "observed_at": now - 2_000_000,
                "recorded_at": now - 1_000_000,
                "planned_at": now,
            },
            {
                "delivery_id": uuid4(),
                "notice_id": notice_id,
                "channel": channel,
                "endpoint": "-",
                "contact_id": contact_id,
                "state": "pending",
                "generation": 0,
                "priority": 0,
                "available_at": now,
                "deadline_at": now + HOUR,
                "attempts": 0,
                "possible_duplicate": False,
                "planned_at": now,
                "updated_at": now,
            }
            | changes,
        )


def delivery_row(conn: Connection, delivery_id: UUID) -> Any:
    return conn.execute(select(delivery).where(delivery.c.delivery_id == delivery_id)).one()


def attempt_rows(conn: Connection, delivery_id: UUID) -> list[Any]:
    return list(
        conn.execute(
            select(attempt).where(attempt.c.delivery_id == delivery_id).order_by(attempt.c.n)
        )
    )


def attempted(
    conn: Connection,
    delivery_id: UUID,
    provider: str,
    result: str,
    provider_message_id: str | None = None,
) -> None:
    """Its first attempt, which left, and how that ended."""
    conn.execute(
        insert(attempt).values(
            delivery_id=delivery_id,
            n=1,
            provider=provider,
            phase="sending",
            result=result,
            provider_message_id=provider_message_id,
            started_at=1,
            ended_at=2,
            worker="w",
        )
    )
