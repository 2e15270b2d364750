"""How fast messages leave: buckets, and the site that each contact is at."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0017"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "rate_bucket",
        sa.Column("bucket", KEY, nullable=False),
        sa.Column("spent_until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("held_until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("line_until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("urgent_until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("strikes", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("bucket", name="pk_rate_bucket"),
    )
    op.create_index("ix_rate_bucket_spent_until", "rate_bucket", ["spent_until"])
    held = sa.text("held_until > 0")
    op.create_index(
        "ix_rate_bucket_held_until",
        "rate_bucket",
        ["held_until"],
        postgresql_where=held,
        sqlite_where=held,
    )
    op.add_column("contact", sa.Column("site_lookup", KEY))


def downgrade() -> None:
    op.drop_column("contact", "site_lookup")
    op.drop_table("rate_bucket")
