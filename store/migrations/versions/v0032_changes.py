"""The history of what people are told and where; places are found by their keyed hash."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("change_id", sa.Uuid, nullable=False),
        sa.Column("recipient_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("about", sa.Text),
        sa.Column("sealed", sa.LargeBinary),
        sa.PrimaryKeyConstraint("change_id", name="pk_change"),
    )
    op.create_index("ix_change_recipient_id_at", "change", ["recipient_id", "at", "change_id"])
    op.create_index("ix_contact_destination_lookup", "contact", ["destination_lookup"])


def downgrade() -> None:
    op.drop_index("ix_contact_destination_lookup", "contact")
    op.drop_table("change")
