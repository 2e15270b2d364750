"""Letters about contacts: codes that verify one, news that one came or went."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "contact_letter",
        sa.Column("letter_id", sa.Uuid, nullable=False),
        sa.Column("recipient_id", KEY, nullable=False),
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("destination", sa.LargeBinary, nullable=False),
        sa.Column("destination_lookup", KEY, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("code_tag", sa.LargeBinary),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("available_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("letter_id", name="pk_contact_letter"),
    )
    for name, columns in (
        ("state_available_at", ["state", "available_at"]),
        ("destination_lookup", ["destination_lookup", "created_at"]),
        ("recipient_id", ["recipient_id", "created_at"]),
        ("created_at", ["created_at"]),
    ):
        op.create_index(f"ix_contact_letter_{name}", "contact_letter", columns)


def downgrade() -> None:
    op.drop_table("contact_letter")
