"""What could be claimed when a stream was paused, read from the contract's storage."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pause_claimable",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(8), nullable=False),
        sa.Column("ledger", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("claimable", sa.LargeBinary(16)),
        sa.PrimaryKeyConstraint("event_id", name="pk_pause_claimable"),
    )
    op.create_index("ix_pause_claimable_state_due_at", "pause_claimable", ["state", "due_at"])


def downgrade() -> None:
    op.drop_table("pause_claimable")
