"""One channel after another: why a delivery is there, and notices that another channel may carry."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

WAITING_STEP = sa.text("state = 'held' AND purpose IS NOT NULL")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("purpose", sa.Text))
    op.create_index(
        "ix_delivery_step",
        "delivery",
        ["notice_id"],
        postgresql_where=WAITING_STEP,
        sqlite_where=WAITING_STEP,
    )
    op.create_table(
        "onward",
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name="pk_onward"),
    )
    op.create_index("ix_onward_created_at", "onward", ["created_at"])


def downgrade() -> None:
    op.drop_table("onward")
    op.drop_index("ix_delivery_step", "delivery")
    op.drop_column("delivery", "purpose")
