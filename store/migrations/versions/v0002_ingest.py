"""What ingest and the followers keep beside the log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise
ROWID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers INTEGER keys only


def upgrade() -> None:
    _create_ingest()
    _create_hand_over()
    op.execute("INSERT INTO notice_facts (id, appended_at) VALUES (1, 0)")


def _create_ingest() -> None:
    op.create_table(
        "ingest_position",
        sa.Column("source", KEY, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("through", sa.Text),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_ingest_position"),
    )
    op.create_table(
        "ingest_source",
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.PrimaryKeyConstraint("contract_id", name="pk_ingest_source"),
    )
    op.create_table(
        "scanned_range",
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("from_ledger", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("to_ledger", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "from_ledger", name="pk_scanned_range"),
    )
    op.create_table(
        "ledger_close",
        sa.Column("ledger", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ledger", name="pk_ledger_close"),
    )
    op.create_index("ix_ledger_close_closed_at", "ledger_close", ["closed_at"])
    op.create_table(
        "retention",
        sa.Column("source", KEY, nullable=False),
        sa.Column("oldest_ledger", sa.BigInteger, nullable=False),
        sa.Column("latest_ledger", sa.BigInteger, nullable=False),
        sa.Column("needed_ledger", sa.BigInteger, nullable=False),
        sa.Column("leaves_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_retention"),
    )
    op.create_table(
        "stream_state",
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(8), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("employer", sa.Text),
        sa.Column("employee", sa.Text),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("originator_id", name="pk_stream_state"),
    )
    op.create_index(
        "ix_stream_state_contract_id_stream_id", "stream_state", ["contract_id", "stream_id"]
    )
    op.create_table(
        "ingest_job",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("from_ledger", sa.BigInteger, nullable=False),
        sa.Column("to_ledger", sa.BigInteger, nullable=False),
        sa.Column("profile", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("events_found", sa.BigInteger, nullable=False),
        sa.Column("told_by", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_job"),
    )
    op.create_index("ix_ingest_job_state_created_at", "ingest_job", ["state", "created_at"])
    op.create_table(
        "contract_fault",
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("check_name", KEY, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "check_name", name="pk_contract_fault"),
    )
    op.create_table(
        "lease",
        sa.Column("name", KEY, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )


def _create_hand_over() -> None:
    op.create_table(
        "notice_fact_outbox",
        sa.Column("id", ROWID, nullable=False),
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("fact", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_fact_outbox"),
    )
    op.create_table(
        "notice_facts",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("appended_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_facts"),
    )
    op.create_table(
        "fanout",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("after_stream", sa.LargeBinary(8)),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_fanout"),
    )
    op.create_index("ix_fanout_state_position", "fanout", ["state", "position"])
    op.create_table(
        "projection",
        sa.Column("name", KEY, nullable=False),
        sa.Column("active", sa.Text, nullable=False),
        sa.Column("swapped_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_projection"),
    )


def downgrade() -> None:
    op.drop_table("projection")
    op.drop_table("fanout")
    op.drop_table("notice_facts")
    op.drop_table("notice_fact_outbox")
    op.drop_table("lease")
    op.drop_table("contract_fault")
    op.drop_table("ingest_job")
    op.drop_table("stream_state")
    op.drop_table("retention")
    op.drop_table("ledger_close")
    op.drop_table("scanned_range")
    op.drop_table("ingest_source")
    op.drop_table("ingest_position")
