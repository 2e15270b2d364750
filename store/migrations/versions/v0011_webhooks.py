"""Outgoing webhooks, and the lanes in which their deliveries keep order."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("contract_id", KEY),
        sa.Column("stream_id", sa.LargeBinary(8)),
        sa.Column("account_lookup", KEY),
        sa.Column("owner_lookup", KEY),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("private", sa.LargeBinary),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook"),
    )
    op.create_index("ix_webhook_created_at", "webhook", ["created_at", "webhook_id"])
    op.add_column("delivery", sa.Column("lane", KEY))
    op.add_column("delivery", sa.Column("lane_position", sa.BigInteger))
    op.create_index(
        "ix_delivery_lane",
        "delivery",
        ["lane", "state", "lane_position"],
        postgresql_where=sa.text("lane IS NOT NULL"),
        sqlite_where=sa.text("lane IS NOT NULL"),
    )
    op.create_index(
        "ix_delivery_webhook",
        "delivery",
        ["endpoint", "planned_at", "delivery_id"],
        postgresql_where=sa.text("channel = 'webhook'"),
        sqlite_where=sa.text("channel = 'webhook'"),
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_webhook", "delivery")
    op.drop_index("ix_delivery_lane", "delivery")
    op.drop_column("delivery", "lane_position")
    op.drop_column("delivery", "lane")
    op.drop_table("webhook")
