"""Who read what."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    op.create_table(
        "read_log",
        sa.Column("entry_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("account_lookup", KEY),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("contract_id", KEY),
        sa.Column("stream_id", sa.LargeBinary(8)),
        sa.Column("about", sa.Text),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("client", sa.Text),
        sa.PrimaryKeyConstraint("entry_id", name="pk_read_log"),
    )
    of_stream = ["contract_id", "stream_id"]
    for name, columns in (
        ("at", ["at"]),
        ("actor_at", ["actor", "at"]),
        ("account_lookup_at", ["account_lookup", "at"]),
        ("stream_at", [*of_stream, "at"]),
    ):
        op.create_index(f"ix_read_log_{name}", "read_log", [*columns, "entry_id"])


def downgrade() -> None:
    op.drop_table("read_log")
