"""Deliveries of which nobody told what became of them are found by how long they are so."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

_IN_DOUBT = sa.text(
    "state = 'unknown' AND reason IN ('lease_expired', 'outcome_unknown', 'defect')"
)


def upgrade() -> None:
    op.create_index(
        "ix_delivery_in_doubt",
        "delivery",
        ["updated_at"],
        postgresql_where=_IN_DOUBT,
        sqlite_where=_IN_DOUBT,
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_in_doubt", "delivery")
