"""Read models, each in two sets: one serves reads while the other is rebuilt."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise
SETS = ("a", "b")
TABLES = (
    "stream_view",
    "stream_list",
    "pause_view",
    "contract_view",
    "contract_gap",
    "timeline",
    "revision",
)


def upgrade() -> None:
    for name in SETS:
        _create_streams(name)
        _create_pauses(name)
        _create_contracts(name)
        _create_timeline(name)


def _create_streams(name: str) -> None:
    view, listed = f"stream_view_{name}", f"stream_list_{name}"
    op.create_table(
        view,
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("folded", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("originator_id", name=f"pk_{view}"),
    )
    op.create_table(
        listed,
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(8), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("employer", KEY),
        sa.Column("employee", KEY),
        sa.PrimaryKeyConstraint("originator_id", name=f"pk_{listed}"),
    )
    place = ["contract_id", "stream_id"]
    op.create_index(f"ix_{listed}_contract_id_stream_id", listed, place, unique=True)
    for party in ("employer", "employee", "status"):
        op.create_index(f"ix_{listed}_{party}", listed, [party, *place])


def _create_pauses(name: str) -> None:
    table = f"pause_view_{name}"
    op.create_table(
        table,
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("chain_at", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(8)),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("start_known", sa.Boolean, nullable=False),
        sa.Column("paused_at", sa.BigInteger),
        sa.Column("start_ledger", sa.BigInteger),
        sa.Column("start_tx_hash", sa.Text),
        sa.Column("start_event_id", sa.Text),
        sa.Column("resumed_at", sa.BigInteger),
        sa.Column("end_ledger", sa.BigInteger),
        sa.Column("end_tx_hash", sa.Text),
        sa.Column("end_event_id", sa.Text),
        sa.Column("ended_by", sa.Text),
        sa.Column("start_cause_id", sa.Text),
        sa.Column("end_cause_id", sa.Text),
        sa.Column("paused_by", sa.Text),
        sa.Column("paused_by_role", sa.Text),
        sa.PrimaryKeyConstraint("originator_id", "chain_at", "place", name=f"pk_{table}"),
    )
    op.create_index(
        f"ix_{table}_stranger",
        table,
        ["paused_by_role"],
        postgresql_where=sa.text("paused_by_role = 'stranger'"),
        sqlite_where=sa.text("paused_by_role = 'stranger'"),
    )


def _create_contracts(name: str) -> None:
    view, gap = f"contract_view_{name}", f"contract_gap_{name}"
    op.create_table(
        view,
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("folded", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("originator_id", name=f"pk_{view}"),
        sa.UniqueConstraint("contract_id", name=f"uq_{view}_contract_id"),
    )
    op.create_table(
        gap,
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("from_ledger", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("to_ledger", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("healed_by", sa.Text),
        sa.Column("healed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("contract_id", "from_ledger", name=f"pk_{gap}"),
    )


def _create_timeline(name: str) -> None:
    timeline, revision_table = f"timeline_{name}", f"revision_{name}"
    op.create_table(
        timeline,
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("employer", sa.Text),
        sa.Column("employee", sa.Text),
        sa.PrimaryKeyConstraint("originator_id", "rank", name=f"pk_{timeline}"),
    )
    op.create_table(
        revision_table,
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("originator_id", name=f"pk_{revision_table}"),
    )


def downgrade() -> None:
    for name in SETS:
        for table in reversed(TABLES):
            op.drop_table(f"{table}_{name}")
