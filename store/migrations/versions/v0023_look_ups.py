"""Deliveries that their provider was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"

ASKED_FOR = sa.text("channel = 'sms' AND state IN ('accepted', 'unknown')")


def upgrade() -> None:
    op.create_table(
        "look_up",
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_look_up"),
    )
    op.create_index(
        "ix_delivery_asked_for",
        "delivery",
        ["planned_at"],
        postgresql_where=ASKED_FOR,
        sqlite_where=ASKED_FOR,
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_asked_for", "delivery")
    op.drop_table("look_up")
