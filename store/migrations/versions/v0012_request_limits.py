"""How much each caller asked lately, and keys with a limit of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "request_count",
        sa.Column("subject", KEY, nullable=False),
        sa.Column("minute", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("subject", "minute", name="pk_request_count"),
    )
    op.add_column("api_key", sa.Column("requests_per_minute", sa.Integer))


def downgrade() -> None:
    op.drop_column("api_key", "requests_per_minute")
    op.drop_table("request_count")
