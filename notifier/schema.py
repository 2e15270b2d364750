"""Tables of the notifier: who is told, what, on which channels, and every try.

Times are BIGINT microseconds; `closed_at` is unix seconds. No destination and no account id stands here in
clear: they are encrypted under the recipient's key and found by keyed hashes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from store.columns import U64
from store.schema import key_text, metadata

_DUE = "state IN ('pending', 'retry_wait')"
_UNREAD = "read_at IS NULL AND content IS NOT NULL"
_ASKED_FOR = "channel IN ('email', 'sms') AND state IN ('accepted', 'unknown')"


def _where(name: str, *columns: str, where: str) -> Index:
    """An index of some of the rows."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))


# A person or a company behind an account. `account_lookup`: keyed hash (hex) of the account id.
# `wrapped_key`: the recipient's key under the master key; NULL once erased (a tombstone: plans nothing).
# `private`: encrypted account id, language and preferences (msgpack).
recipient = Table(
    "recipient",
    metadata,
    Column("recipient_id", key_text(), primary_key=True),
    Column("account_lookup", key_text(), nullable=False, unique=True),
    Column("wrapped_key", LargeBinary),
    Column("private", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("erased_at", BigInteger),
)

# A place on a channel (email, sms, push). `destination`: encrypted under the recipient's key.
# `site_lookup`: keyed hash of the mail domain, push service or room that it is at (sites.py), empty where
# it is at none; NULL: written before sites were known, filled in by the first claim.
contact = Table(
    "contact",
    metadata,
    Column("contact_id", Uuid, primary_key=True),
    Column("recipient_id", key_text(), nullable=False),
    Column("channel", Text, nullable=False),
    Column("destination", LargeBinary, nullable=False),
    Column("destination_lookup", key_text(), nullable=False),
    Column("verified_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("site_lookup", key_text()),
    UniqueConstraint("recipient_id", "channel", "destination_lookup"),
    Index("ix_contact_destination_lookup", "destination_lookup"),
)

# What one recipient should know. The row is the in-app message. `content`: msgpack of what the words are
# made of, NULL once erased. `actor`, `money`: who paused and what was earned, for the inbox, once known.
# `position`: of the recorded event that caused it. One network per database, so the key (network, cause,
# recipient, kind) is unique without naming the network.
notice = Table(
    "notice",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("recipient_id", key_text(), nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause_event_id", key_text(), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("contract_id", key_text(), nullable=False),
    Column("stream_id", U64),
    Column("late", Boolean, nullable=False),
    Column("content", LargeBinary),
    Column("template_version", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("observed_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("planned_at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Column("actor", LargeBinary),
    Column("money", LargeBinary),
    UniqueConstraint("cause_event_id", "recipient_id", "kind"),
    Index("ix_notice_recipient_id_planned_at", "recipient_id", "planned_at", "notice_id"),
    _where("ix_notice_unread", "recipient_id", "planned_at", "notice_id", where=_UNREAD),
    Index("ix_notice_contract_id_stream_id", "contract_id", "stream_id", "position"),
)

# A notice on one channel at one endpoint (push contact id or webhook subscription, else `-`): the
# queue of record. `generation` counts how often it was put on the broker; `token` is the claim. Within a
# `lane` deliveries leave in the order of `lane_position`; NULL: in any order. `bundle`: what it is told
# with; `purpose`: see ways.py. `over_cap`: an operator lets it leave, whatever the day has cost.
# `digest`: it tells of those too that name it in `carried_by`. `released_at`: was held till.
delivery = Table(
    "delivery",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("notice_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("endpoint", key_text(), nullable=False),
    Column("contact_id", Uuid),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("generation", Integer, nullable=False),
    Column("token", Text),
    Column("lease_until", BigInteger),
    Column("priority", Integer, nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("provider", Text),
    Column("provider_message_id", Text),
    Column("possible_duplicate", Boolean, nullable=False),
    Column("planned_at", BigInteger, nullable=False),
    Column("queued_at", BigInteger),
    Column("handed_off_at", BigInteger),
    Column("accepted_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("lane", key_text()),
    Column("lane_position", BigInteger),
    Column("bundle", key_text()),
    Column("digest", Boolean, nullable=False, server_default=false()),
    Column("carried_by", Uuid),
    *(Column("released_at", BigInteger), Column("purpose", Text)),
    Column("over_cap", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("notice_id", "channel", "endpoint"),
    _where("ix_delivery_due", "channel", "priority", "available_at", where=_DUE),
    Index("ix_delivery_state_lease_until", "state", "lease_until"),
    Index("ix_delivery_planned_at", "planned_at", "delivery_id"),
    Index("ix_delivery_provider_message_id", "provider", "provider_message_id"),
    _where("ix_delivery_asked_for", "planned_at", where=_ASKED_FOR),
    _where("ix_delivery_held", "available_at", where="state = 'held'"),
    _where("ix_delivery_bundle", "bundle", "state", where="bundle IS NOT NULL"),
    _where("ix_delivery_carried_by", "carried_by", where="carried_by IS NOT NULL"),
)

# One row per try, numbered from 1. Written with the hand-off mark, completed with the result.
# `result`: NULL until known, then accepted, not_sent, unknown, rejected, provider_fault, defect. `cost`: in
# millionths, 0 where it was provably not taken; NULL: no price was set.
attempt = Table(
    "attempt",
    metadata,
    Column("delivery_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("provider", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("result", Text),
    Column("status_code", Integer),
    Column("enhanced_code", Text),
    Column("detail", Text),
    Column("retry_after_seconds", Integer),
    Column("provider_message_id", Text),
    Column("started_at", BigInteger, nullable=False),
    Column("handed_off_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("worker", Text, nullable=False),
    Column("cost", BigInteger),
)

# Events that planning could not understand, and what became of each (parked.py); NULL: nobody was told.
plan_parked = Table(
    "plan_parked",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("parked_at", BigInteger, nullable=False),
    Column("ending", Text),
)

# The breaker of each provider, read by the claim query. `state`: closed, open, half_open.
provider_health = Table(
    "provider_health",
    metadata,
    Column("provider", key_text(), primary_key=True),
    Column("state", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("reason", Text),
    Column("next_try_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

# Switches that every process obeys within two seconds; `sending` is `on` or `paused`.
switch = Table(
    "switch",
    metadata,
    Column("name", key_text(), primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("reason", Text),
)

# Aggregates whose history an ingest job has revised. Planning looks at each once, when the job is
# through: `position` is then that of its RangeFilled, NULL before.
job_revision = Table(
    "job_revision",
    metadata,
    Column("job", key_text(), primary_key=True),
    Column("originator_id", Uuid, primary_key=True),
    Column("position", BigInteger),
    Index("ix_job_revision_position", "position"),
)

# What providers call back to say, each thing once: the id is made of the provider's name and its key for
# it. `kind`: the provider's own word. `payload`: sealed, NULL once erased. `due_at`: when a waiting one is
# worked off, when a done one is forgotten. `tries` counts those that failed.
callback = Table(
    "callback",
    metadata,
    Column("callback_id", Uuid, primary_key=True),
    Column("provider", key_text(), nullable=False),
    Column("kind", Text, nullable=False),
    Column("message_id", Text),
    Column("delivery_id", Uuid),
    Column("destination_lookup", key_text()),
    Column("payload", LargeBinary),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("outcome", Text),
    Column("happened_at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("processed_at", BigInteger),
    Index("ix_callback_state_due_at", "state", "due_at"),
    Index("ix_callback_received_at", "received_at", "callback_id"),
    Index("ix_callback_delivery_id", "delivery_id"),
    Index("ix_callback_destination_lookup", "destination_lookup"),
)

# Places that must not be written to, and why; a place is found by its keyed hash, so the list outlives the
# contact. `changed_at`: when the provider learned it; older news changes nothing. `lifted_at`: it ended.
suppression = Table(
    "suppression",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("destination_lookup", key_text(), primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("lifted_at", BigInteger),
)
