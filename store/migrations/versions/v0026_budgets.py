"""How much of a budget was used, by period."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("scope", KEY, nullable=False),
        sa.Column("period", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "period", name="pk_budget"),
    )


def downgrade() -> None:
    op.drop_table("budget")
