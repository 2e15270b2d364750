"""Webhooks are found by the account whose news they get, however many there are."""

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.create_index("ix_webhook_account", "webhook", ["account_lookup"])


def downgrade() -> None:
    op.drop_index("ix_webhook_account", "webhook")
