"""What the API answered, a row per minute: for the objectives."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "request_minute",
        sa.Column("minute", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("minute", name="pk_request_minute"),
    )


def downgrade() -> None:
    op.drop_table("request_minute")
