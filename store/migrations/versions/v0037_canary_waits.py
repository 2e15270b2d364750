"""A canary waits for planning to come to a position of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.add_column("canary_minute", sa.Column("waits_for", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("canary_minute", "waits_for")
