"""Subscriptions to outgoing webhooks: made, listed, given a new secret, switched off and on, deleted.

In: what an API caller asks for. Out: rows of `webhook`; secrets are shown once, when they are made.
Next: planning.py finds who gets which news.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Connection, Row, Select, insert, or_, select, tuple_, update

from notifier import privacy, states
from notifier.privacy import Vault
from notifier.schema import delivery
from notifier.webhooks.schema import webhook
from store.wake import OUTBOX, Bell

WEBHOOK = "webhook"
ACTIVE = "active"
DISABLED = "disabled"
DELETED = "deleted"
OPERATOR = "operator"  # somebody with a key switched it off
SECRET_BYTES = 32
# The secret before still signs for so long after a new one was made: time to change the receiver.
OVERLAP_MICROS = 24 * 3600 * 1_000_000
SWITCHED_OFF = "webhook_disabled"  # why deliveries of a disabled one are cancelled


class Secret(NamedTuple):
    """A signing key; `until`: microseconds when it stops signing, None: it is the present one."""

    key: bytes
    until: int | None = None


class Private(msgspec.Struct, frozen=True):
    """What only the master key opens. `notice_key` names the subscription's notices."""

    url: str
    notice_key: bytes
    secrets: tuple[Secret, ...]
    account_id: str | None = None
    description: str | None = None


class Wanted(NamedTuple):
    """A subscription to be: where to, and to which news."""

    url: str
    contract_id: str | None = None
    stream_id: int | None = None
    account_id: str | None = None
    kinds: tuple[str, ...] = ()
    description: str | None = None


class Owner(NamedTuple):
    """Whose subscriptions are meant: an account's, and those about some contracts; None: not bounded."""

    account_id: str | None
    contracts: tuple[str, ...] | None = None


class Place(NamedTuple):
    """Where a page ended: keyset of the listing."""

    created_at: int
    webhook_id: UUID


def create(
    conn: Connection, vault: Vault, wanted: Wanted, *, owner: Owner, now: int
) -> tuple[UUID, bytes]:
    """Subscribe; returns the id and the secret key. `now`: microseconds."""
    webhook_id, key = uuid4(), os.urandom(SECRET_BYTES)
    private = Private(
        wanted.url, privacy.new_key(), (Secret(key),), wanted.account_id, wanted.description
    )
    conn.execute(
        insert(webhook).values(
            webhook_id=webhook_id,
            state=ACTIVE,
            contract_id=wanted.contract_id,
            stream_id=wanted.stream_id,
            account_lookup=_lookup(vault, wanted.account_id),
            owner_lookup=_lookup(vault, owner.account_id),
            kinds=" ".join(wanted.kinds),
            private=seal_private(vault, webhook_id, private),
            failures=0,
            created_at=now,
            changed_at=now,
        )
    )
    return webhook_id, key


def listing(vault: Vault, owner: Owner, *, after: Place | None, limit: int) -> Select[Any]:
    """Oldest first, without deleted ones."""
    rows = _of(vault, owner).order_by(webhook.c.created_at, webhook.c.webhook_id).limit(limit)
    if after is None:
        return rows
    return rows.where(tuple_(webhook.c.created_at, webhook.c.webhook_id) > tuple_(*after))


def one(vault: Vault, owner: Owner, webhook_id: UUID) -> Select[Any]:
    """The subscription, if it is this owner's."""
    return _of(vault, owner).where(webhook.c.webhook_id == webhook_id)


def rotate(
    conn: Connection, vault: Vault, row: Row[Any], now: int, *, at_once: bool = False
) -> bytes:
    """A new secret; it signs beside the one before for a day. Returns the new key.

    `at_once`: it signs alone from now on, since somebody else has the one before.
    """
    private, key = open_private(vault, row), os.urandom(SECRET_BYTES)
    before = live_secrets(private, now)[0]
    after = () if at_once else (Secret(before.key, now + OVERLAP_MICROS),)
    secrets = (Secret(key), *after)
    changed = msgspec.structs.replace(private, secrets=secrets)
    _change(conn, row.webhook_id, now, private=seal_private(vault, row.webhook_id, changed))
    return key


def disable(conn: Connection, webhook_id: UUID, reason: str, now: int) -> bool:
    """Switch an active one off; what waits for it is cancelled. False: it was not active."""
    changed = conn.execute(
        update(webhook)
        .where(webhook.c.webhook_id == webhook_id, webhook.c.state == ACTIVE)
        .values(state=DISABLED, reason=reason, changed_at=now)
    )
    if changed.rowcount:
        _cancel(conn, webhook_id, SWITCHED_OFF, now)
    return bool(changed.rowcount)


def enable(conn: Connection, bell: Bell, webhook_id: UUID, now: int) -> int:
    """Switch it on again; what was cancelled for it and is not too late leaves. Returns how many."""
    values = {"state": ACTIVE, "reason": None, "failures": 0, "failing_since": None}
    _change(conn, webhook_id, now, **values)
    revived = states.move_all(
        conn,
        (delivery.c.channel == WEBHOOK)
        & (delivery.c.endpoint == str(webhook_id))
        & (delivery.c.reason == SWITCHED_OFF)
        & (delivery.c.deadline_at > now),
        origin=frozenset({states.CANCELLED}),
        to=states.PENDING,
        now=now,
        changes={"available_at": now, "reason": None},
    )
    bell.ring(conn, OUTBOX)
    return len(revived)


def delete(conn: Connection, webhook_id: UUID, now: int) -> None:
    """End it for good: URL and secrets are destroyed, its log of deliveries stays."""
    _change(conn, webhook_id, now, state=DELETED, private=None, account_lookup=None)
    _cancel(conn, webhook_id, "webhook_deleted", now)


def forget_account(conn: Connection, vault: Vault, account_id: str, now: int) -> int:
    """End what an account subscribed to, and what is about its news alone; returns how many that were."""
    lookup = vault.account_lookup(account_id)
    theirs = (
        select(webhook.c.webhook_id)
        .where(
            webhook.c.state != DELETED,
            or_(webhook.c.owner_lookup == lookup, webhook.c.account_lookup == lookup),
        )
        .order_by(webhook.c.webhook_id)
    )
    found = conn.scalars(theirs).all()
    for webhook_id in found:
        delete(conn, webhook_id, now)
    return len(found)


def live_secrets(private: Private, now: int) -> Sequence[Secret]:
    """The secrets that sign now, the newest first."""
    return [each for each in private.secrets if each.until is None or each.until > now]


def seal_private(vault: Vault, webhook_id: UUID, private: Private) -> bytes:
    """The private part as it is stored."""
    return vault.seal(msgspec.msgpack.encode(private), f"webhook:{webhook_id}")


def open_private(vault: Vault, row: Row[Any]) -> Private:
    """The private part of a row of `webhook`."""
    return opened(vault, row.webhook_id, row.private)


def opened(vault: Vault, webhook_id: UUID, sealed: bytes) -> Private:
    """The way back from seal_private."""
    plain = vault.unseal(sealed, f"webhook:{webhook_id}")
    return msgspec.msgpack.decode(plain, type=Private)


def _of(vault: Vault, owner: Owner) -> Select[Any]:
    rows = select(webhook).where(webhook.c.state != DELETED)
    if owner.contracts is not None:
        rows = rows.where(webhook.c.contract_id.in_(owner.contracts))
    if owner.account_id is None:
        return rows
    return rows.where(webhook.c.owner_lookup == _lookup(vault, owner.account_id))


def _change(conn: Connection, webhook_id: UUID, now: int, **values: Any) -> None:
    statement = update(webhook).where(webhook.c.webhook_id == webhook_id)
    conn.execute(statement.values(changed_at=now, **values))


def _cancel(conn: Connection, webhook_id: UUID, reason: str, now: int) -> None:
    states.move_all(
        conn,
        (delivery.c.channel == WEBHOOK) & (delivery.c.endpoint == str(webhook_id)),
        origin=states.WITHDRAWABLE,
        to=states.CANCELLED,
        now=now,
        changes={"token": None, "lease_until": None, "reason": reason},
    )


def _lookup(vault: Vault, account_id: str | None) -> str | None:
    return None if account_id is None else vault.account_lookup(account_id)
