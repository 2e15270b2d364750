"""A stream's pauses whose pay was read are found by the stream: its token is named when it is cancelled."""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_index(
        "ix_pause_claimable_stream", "pause_claimable", ["contract_id", "stream_id", "closed_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_pause_claimable_stream", "pause_claimable")
