"""What became of an event that planning had put aside is kept with it."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.add_column("plan_parked", sa.Column("ending", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("plan_parked", "ending")
