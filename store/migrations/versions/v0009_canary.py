"""When each minute's canary was told."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "canary_minute",
        sa.Column("minute", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("planned_at", sa.BigInteger, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("minute", name="pk_canary_minute"),
    )
    op.create_index("ix_canary_minute_delivery_id", "canary_minute", ["delivery_id"])


def downgrade() -> None:
    op.drop_table("canary_minute")
