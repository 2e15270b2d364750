"""The log and the evidence, append-only by trigger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise
ROWID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers INTEGER keys only

APPEND_ONLY = ("recorded_event", "evidence", "evidence_outcome")


def upgrade() -> None:
    _create_log()
    _create_evidence()
    if op.get_bind().dialect.name == "postgresql":
        _refuse_changes_on_postgresql()
    else:
        _refuse_changes_on_sqlite()
    op.execute("INSERT INTO log_head (id, position, fence) VALUES (1, 0, 0)")


def _create_log() -> None:
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.create_table(
        "recorded_event",
        sa.Column("position", ROWID, nullable=False, autoincrement=False),
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("originator_version", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_recorded_event"),
        sa.UniqueConstraint(
            "originator_id",
            "originator_version",
            name="uq_recorded_event_originator_id_originator_version",
        ),
    )
    op.create_table(
        "snapshot",
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("originator_version", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("originator_id", "originator_version", name="pk_snapshot"),
    )
    op.create_table(
        "tracking",
        sa.Column("name", KEY, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tracking"),
    )


def _create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_evidence"),
    )
    op.create_index("ix_evidence_contract_id_event_id", "evidence", ["contract_id", "event_id"])
    op.create_table(
        "evidence_outcome",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("profile", sa.Text),
        sa.Column("position", sa.BigInteger),
        sa.PrimaryKeyConstraint("event_id", "n", name="pk_evidence_outcome"),
    )
    op.create_index(
        "ix_evidence_outcome_position_event_id", "evidence_outcome", ["position", "event_id"]
    )
    op.create_index(
        "ix_evidence_outcome_unread",
        "evidence_outcome",
        ["outcome"],
        postgresql_where=sa.text("outcome <> 'applied'"),
        sqlite_where=sa.text("outcome <> 'applied'"),
    )
    op.create_table(
        "evidence_conflict",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "sha256", name="pk_evidence_conflict"),
    )
    op.create_table(
        "profile_conflict",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("reading", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("noticed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_profile_conflict"),
    )
    op.create_index(
        "ix_profile_conflict_contract_id_event_id",
        "profile_conflict",
        ["contract_id", "event_id"],
    )


def _refuse_changes_on_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _refuse_changes_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def downgrade() -> None:
    op.drop_table("profile_conflict")
    op.drop_table("evidence_conflict")
    op.drop_table("evidence_outcome")
    op.drop_table("evidence")
    op.drop_table("tracking")
    op.drop_table("snapshot")
    op.drop_table("recorded_event")
    op.drop_table("log_head")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
