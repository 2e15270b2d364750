"""What the leader notes about its endpoints, its contracts' storage and the actors of pauses."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise
TABLES = (
    "reconciliation",
    "reconcile_finding",
    "rpc_endpoint",
    "rpc_dispute",
    "followed_contract",
    "ledger_pin",
    "actor_search",
)


def upgrade() -> None:
    _create_reconciliation()
    _create_endpoints()
    _create_actor_search()


def _create_reconciliation() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("at_ledger", sa.BigInteger),
        sa.Column("streams", sa.BigInteger),
        sa.Column("equal", sa.BigInteger),
        sa.Column("findings", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("done", sa.BigInteger),
        sa.Column("total", sa.BigInteger),
        sa.PrimaryKeyConstraint("contract_id", name="pk_reconciliation"),
    )
    op.create_table(
        "reconcile_finding",
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("stream_id", sa.LargeBinary(8)),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("healed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "n", name="pk_reconcile_finding"),
    )
    op.create_index("ix_reconcile_finding_kind", "reconcile_finding", ["kind"])


def _create_endpoints() -> None:
    op.create_table(
        "rpc_endpoint",
        sa.Column("name", KEY, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("latency_micros", sa.BigInteger),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in (
                *("latest_ledger", "oldest_ledger", "lag_ledgers"),
                *("answered", "failed", "behind", "gap", "refused", "expelled"),
                *("waited_micros", "seen_at"),
            )
        ),
        sa.PrimaryKeyConstraint("name", name="pk_rpc_endpoint"),
    )
    op.create_table(
        "rpc_dispute",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("endpoint", KEY, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("against", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "endpoint", "kind", name="pk_rpc_dispute"),
    )
    op.create_table(
        "followed_contract",
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("start_ledger", sa.BigInteger),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("contract_id", name="pk_followed_contract"),
    )
    op.create_table(
        "ledger_pin",
        sa.Column("ledger", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ledger", name="pk_ledger_pin"),
    )


def _create_actor_search() -> None:
    op.create_table(
        "actor_search",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("tx_hash", sa.Text, nullable=False),
        sa.Column("ledger", sa.BigInteger, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_actor_search"),
    )
    op.create_index("ix_actor_search_state_due_at", "actor_search", ["state", "due_at"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
