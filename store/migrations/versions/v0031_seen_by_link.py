"""What people did behind a letter's link: that they saw it, and whether it helped."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "notice_seen",
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("recipient_id", KEY, nullable=False),
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("first", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("helpful", sa.Boolean),
        sa.Column("answered_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("notice_id", name="pk_notice_seen"),
    )
    op.create_index("ix_notice_seen_recipient_id", "notice_seen", ["recipient_id"])


def downgrade() -> None:
    op.drop_table("notice_seen")
