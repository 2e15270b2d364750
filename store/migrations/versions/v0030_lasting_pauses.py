"""Pauses that last: whom to remind, and when next."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "lasting_pause",
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(8)),
        sa.Column("cause", KEY, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("after_stream", sa.LargeBinary(8)),
        sa.PrimaryKeyConstraint("originator_id", name="pk_lasting_pause"),
    )
    op.create_index("ix_lasting_pause_due_at", "lasting_pause", ["due_at"])


def downgrade() -> None:
    op.drop_table("lasting_pause")
