"""How often histories were looked at, by minute."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    column = sa.Column("history_views", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("request_minute", column)


def downgrade() -> None:
    op.drop_column("request_minute", "history_views")
