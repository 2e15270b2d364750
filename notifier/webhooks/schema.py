"""The table of outgoing webhooks.

`private` is sealed under the master key: URL, secrets, account, and the key that names its notices.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, Uuid, text

from notifier.schema import delivery
from store.columns import U64
from store.schema import key_text, metadata

# A subscription; NULL filters match all. `kinds`: separated by one space, empty: all. `account_lookup`:
# keyed hash of the account whose news it gets. `owner_lookup`: of the account whose API keys may see it;
# NULL: keys of no account. `state`: active, disabled, deleted (`private` is then NULL); `reason`: why.
# `failing_since`: the first failure since the last success. Times in microseconds.
webhook = Table(
    "webhook",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("contract_id", key_text()),
    Column("stream_id", U64),
    Column("account_lookup", key_text()),
    Column("owner_lookup", key_text()),
    Column("kinds", Text, nullable=False),
    Column("private", LargeBinary),
    Column("failures", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_webhook_created_at", "created_at", "webhook_id"),
    Index("ix_webhook_account", "account_lookup"),
)

# Of deliveries: who of a lane goes first, and one webhook's log.
_LANED = text("lane IS NOT NULL")
_WEBHOOKS = text("channel = 'webhook'")
Index(
    "ix_delivery_lane",
    delivery.c.lane,
    delivery.c.state,
    delivery.c.lane_position,
    postgresql_where=_LANED,
    sqlite_where=_LANED,
)
Index(
    "ix_delivery_webhook",
    delivery.c.endpoint,
    delivery.c.planned_at,
    delivery.c.delivery_id,
    postgresql_where=_WEBHOOKS,
    sqlite_where=_WEBHOOKS,
)
