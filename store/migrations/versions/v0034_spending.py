"""What a day may cost: what attempts were counted as, and what an operator lets leave all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column(
        "delivery",
        sa.Column("over_cap", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("attempt", sa.Column("cost", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("attempt", "cost")
    op.drop_column("delivery", "over_cap")
