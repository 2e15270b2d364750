"""What waits to be read is counted by itself: an inbox of years costs no more than one of a day."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

UNREAD = sa.text("read_at IS NULL AND content IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_notice_unread",
        "notice",
        ["recipient_id", "planned_at", "notice_id"],
        postgresql_where=UNREAD,
        sqlite_where=UNREAD,
    )


def downgrade() -> None:
    op.drop_index("ix_notice_unread", "notice")
