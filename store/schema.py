"""Tables of the log, of the evidence, and of what ingest and the followers keep beside them.

One MetaData for the whole database, that of all packages; a test compares it with the migrations.

Times are BIGINT microseconds since 1970 unless a name says seconds; `closed_at` is a ledger's close
time in whole unix seconds. Text keys compare bytewise (`COLLATE "C"` on PostgreSQL, BINARY on SQLite).
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from store.columns import U64

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
ROWID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by INTEGER keys only
UNREAD = text("outcome <> 'applied'")  # SQLite finds an index by the very words of its condition


def key_text() -> Text:
    """Text that sorts and compares bytewise on every database."""
    return Text().with_variant(Text(collation="C"), "postgresql")


# --- the log ---------------------------------------------------------------------------------------
# One row. Locked by every append and rolled back with it: positions have no holes and stand in commit
# order. `fence` is the lease's epoch; only ingest's appends check it.
log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
)

# Append-only (triggers refuse UPDATE and DELETE). `state`: msgpack array, see store/mapper.py.
recorded_event = Table(
    "recorded_event",
    metadata,
    Column("position", ROWID, primary_key=True, autoincrement=False),
    Column("originator_id", Uuid, nullable=False),
    Column("originator_version", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    UniqueConstraint("originator_id", "originator_version"),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("originator_id", Uuid, primary_key=True),
    Column("originator_version", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# How far each follower has come. The library calls the position a notification id.
tracking = Table(
    "tracking",
    metadata,
    Column("name", key_text(), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

# --- evidence --------------------------------------------------------------------------------------
# Append-only. `bytes`: the msgpack array of architecture §3; `seen_at`: when the page that held it
# arrived; `source`: which endpoint or job brought it (unhashed, tells nothing of the chain).
evidence = Table(
    "evidence",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("contract_id", key_text(), nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Index("ix_evidence_contract_id_event_id", "contract_id", "event_id"),
)

# Append-only. What became of evidence; the highest `n` counts. `outcome`: applied, ignored, quarantined.
# `position`: of the recorded event, where there is one. `profile`: name@version that read it.
evidence_outcome = Table(
    "evidence_outcome",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("profile", Text),
    Column("position", BigInteger),
    Index("ix_evidence_outcome_position_event_id", "position", "event_id"),
    Index("ix_evidence_outcome_unread", "outcome", postgresql_where=UNREAD, sqlite_where=UNREAD),
)

# The same id arrived with other bytes: the first stand, these are kept for people to look at.
evidence_conflict = Table(
    "evidence_conflict",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
)

# --- ingest ----------------------------------------------------------------------------------------
# Where each source (live, or a job) stands. `cursor`: the RPC's, for the page being worked off;
# `through`: the last event id recorded of that page while it is worked off in slices, else NULL.
ingest_position = Table(
    "ingest_position",
    metadata,
    Column("source", key_text(), primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("through", Text),
    Column("updated_at", BigInteger, nullable=False),
)

# Which contracts a source follows together: up to 25, fixed once the source has begun.
ingest_source = Table(
    "ingest_source",
    metadata,
    Column("contract_id", key_text(), primary_key=True),
    Column("source", key_text(), nullable=False),
)

# Ledgers known to be wholly scanned, both ends included; grows at its end, never overlaps.
scanned_range = Table(
    "scanned_range",
    metadata,
    Column("contract_id", key_text(), primary_key=True),
    Column("from_ledger", BigInteger, primary_key=True, autoincrement=False),
    Column("to_ledger", BigInteger, nullable=False),
)

# Close times of ledgers we met: each event's ledger and each page's end. Unix seconds.
ledger_close = Table(
    "ledger_close",
    metadata,
    Column("ledger", BigInteger, primary_key=True, autoincrement=False),
    Column("closed_at", BigInteger, nullable=False),
    Index("ix_ledger_close_closed_at", "closed_at"),
)

# Who streams in a contract; `state` (a StreamState), and `status` unless cancelled, are as of `version`.
stream_state = Table(
    "stream_state",
    metadata,
    Column("originator_id", Uuid, primary_key=True),
    Column("contract_id", key_text(), nullable=False),
    Column("stream_id", U64, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("employer", Text),
    Column("employee", Text),
    Column("state", LargeBinary, nullable=False),
    Index("ix_stream_state_contract_id_stream_id", "contract_id", "stream_id"),
)

# Backfill, reprocess and healing: worked off by the leader between live pages.
# `kind`: backfill, heal, confirm, reprocess, reprocess_all, reconcile… `profile`: name@version to read
# stored evidence by, NULL: the leader's. `state`: waiting, running, done, failed, cancelled.
ingest_job = Table(
    "ingest_job",
    metadata,
    Column("id", key_text(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("contract_id", key_text(), nullable=False),
    Column("from_ledger", BigInteger, nullable=False),
    Column("to_ledger", BigInteger, nullable=False),
    Column("profile", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("events_found", BigInteger, nullable=False),
    Column("told_by", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_ingest_job_state_created_at", "state", "created_at"),
)

# One active indexer: whoever holds the row; the epoch is the fence. `expires_at`: microseconds.
lease = Table(
    "lease",
    metadata,
    Column("name", key_text(), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

# --- between the notifier's rows and the log -------------------------------------------------------
# What happened to notices and deliveries, waiting to be appended to the log in batches (T5).
notice_fact_outbox = Table(
    "notice_fact_outbox",
    metadata,
    Column("id", ROWID, primary_key=True, autoincrement=True),
    Column("notice_id", Uuid, nullable=False),
    Column("topic", Text, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# One row; whoever holds its lock appends the next batch of notice facts.
notice_facts = Table(
    "notice_facts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("appended_at", BigInteger, nullable=False),
)

# A contract-wide event concerns every stream of the contract: worked off in steps of 1,000 notices.
# `after_stream`: the last stream id served. `state`: running, done.
fanout = Table(
    "fanout",
    metadata,
    Column("event_id", key_text(), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("contract_id", key_text(), nullable=False),
    Column("after_stream", U64),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_fanout_state_position", "state", "position"),
)

# --- projections -----------------------------------------------------------------------------------
# Which of the two table sets serves reads: `a` or `b`. Rebuild fills the idle one, then flips it.
projection = Table(
    "projection",
    metadata,
    Column("name", key_text(), primary_key=True),
    Column("active", Text, nullable=False),
    Column("swapped_at", BigInteger, nullable=False),
)
