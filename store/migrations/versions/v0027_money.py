"""What was earned until a pause: what was withdrawn before, how tokens are called, and who was told."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNTOLD = sa.text("state = 'read' AND told_at IS NULL")


def upgrade() -> None:
    op.add_column("pause_claimable", sa.Column("withdrawn", sa.LargeBinary(16)))
    op.add_column("pause_claimable", sa.Column("told_at", sa.BigInteger))
    op.add_column("pause_claimable", sa.Column("position", sa.BigInteger))
    op.create_index(
        "ix_pause_claimable_untold",
        "pause_claimable",
        ["event_id"],
        postgresql_where=UNTOLD,
        sqlite_where=UNTOLD,
    )
    op.create_table(
        "token",
        sa.Column("token_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text),
        sa.Column("decimals", sa.Integer),
        sa.PrimaryKeyConstraint("token_id", name="pk_token"),
    )
    op.create_index("ix_token_state_due_at", "token", ["state", "due_at"])
    op.add_column("notice", sa.Column("money", sa.LargeBinary))


def downgrade() -> None:
    op.drop_column("notice", "money")
    op.drop_table("token")
    op.drop_index("ix_pause_claimable_untold", "pause_claimable")
    op.drop_column("pause_claimable", "position")
    op.drop_column("pause_claimable", "told_at")
    op.drop_column("pause_claimable", "withdrawn")
