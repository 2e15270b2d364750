"""Mails are asked for, too, where their provider can be."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

_SMS = "channel = 'sms' AND state IN ('accepted', 'unknown')"
_MAILS_TOO = "channel IN ('email', 'sms') AND state IN ('accepted', 'unknown')"


def upgrade() -> None:
    _index(_MAILS_TOO)


def downgrade() -> None:
    _index(_SMS)


def _index(where: str) -> None:
    op.drop_index("ix_delivery_asked_for", "delivery")
    op.create_index(
        "ix_delivery_asked_for",
        "delivery",
        ["planned_at"],
        postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )
