"""Sessions of people who proved an address, the keys that sign them, and who did what."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "session_key",
        sa.Column("kid", KEY, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_session_key"),
    )
    op.create_table(
        "session",
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("account_lookup", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("session_id", name="pk_session"),
    )
    op.create_index("ix_session_account_lookup", "session", ["account_lookup"])
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_table(
        "met_challenge",
        sa.Column("challenge", KEY, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("challenge", name="pk_met_challenge"),
    )
    op.create_index("ix_met_challenge_expires_at", "met_challenge", ["expires_at"])
    op.create_table(
        "access_log",
        sa.Column("entry_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("account_lookup", KEY),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("about", sa.Text),
        sa.Column("client", sa.Text),
        sa.PrimaryKeyConstraint("entry_id", name="pk_access_log"),
    )
    op.create_index(
        "ix_access_log_account_lookup_at", "access_log", ["account_lookup", "at", "entry_id"]
    )
    op.create_index("ix_access_log_at", "access_log", ["at", "entry_id"])


def downgrade() -> None:
    for table in ("access_log", "met_challenge", "session", "session_key"):
        op.drop_table(table)
