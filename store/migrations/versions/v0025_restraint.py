"""What is told together: bundles, and the deliveries that are held for them or carry one another."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise
PARTIAL = (
    ("held", ["available_at"], "state = 'held'"),
    ("bundle", ["bundle", "state"], "bundle IS NOT NULL"),
    ("carried_by", ["carried_by"], "carried_by IS NOT NULL"),
)
BY_STREAM = "ix_notice_contract_id_stream_id"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("bundle", KEY))
    digest = sa.Column("digest", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("delivery", digest)
    op.add_column("delivery", sa.Column("carried_by", sa.Uuid))
    op.add_column("delivery", sa.Column("released_at", sa.BigInteger))
    for name, columns, where in PARTIAL:
        some = sa.text(where)
        op.create_index(
            f"ix_delivery_{name}", "delivery", columns, postgresql_where=some, sqlite_where=some
        )
    op.drop_index(BY_STREAM, "notice")
    op.create_index(BY_STREAM, "notice", ["contract_id", "stream_id", "position"])
    op.create_table(
        "gathering",
        sa.Column("bundle", KEY, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bundle", name="pk_gathering"),
    )
    op.create_index("ix_gathering_until", "gathering", ["until"])


def downgrade() -> None:
    op.drop_table("gathering")
    op.drop_index(BY_STREAM, "notice")
    op.create_index(BY_STREAM, "notice", ["contract_id", "stream_id"])
    for name, _, _ in PARTIAL:
        op.drop_index(f"ix_delivery_{name}", "delivery")
    for column in ("released_at", "carried_by", "digest", "bundle"):
        op.drop_column("delivery", column)
