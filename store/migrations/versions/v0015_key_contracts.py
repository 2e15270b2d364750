"""Keys that are limited to some contracts."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("contracts", sa.Text))


def downgrade() -> None:
    op.drop_column("api_key", "contracts")
