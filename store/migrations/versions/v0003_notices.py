"""Recipients, notices, deliveries and every try."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts bytewise


def upgrade() -> None:
    _create_people()
    _create_deliveries()
    _create_switches()
    _create_callbacks()


def _create_people() -> None:
    op.create_table(
        "master_key",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_master_key"),
    )
    op.create_table(
        "recipient",
        sa.Column("recipient_id", KEY, nullable=False),
        sa.Column("account_lookup", KEY, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("private", sa.LargeBinary),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("erased_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("recipient_id", name="pk_recipient"),
        sa.UniqueConstraint("account_lookup", name="uq_recipient_account_lookup"),
    )
    op.create_table(
        "contact",
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("recipient_id", KEY, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("destination", sa.LargeBinary, nullable=False),
        sa.Column("destination_lookup", KEY, nullable=False),
        sa.Column("verified_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contact"),
        sa.UniqueConstraint(
            "recipient_id",
            "channel",
            "destination_lookup",
            name="uq_contact_recipient_id_channel_destination_lookup",
        ),
    )
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("recipient_id", KEY, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("cause_event_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("contract_id", KEY, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(8)),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("template_version", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("observed_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("planned_at", sa.BigInteger, nullable=False),
        sa.Column("read_at", sa.BigInteger),
        sa.Column("actor", sa.LargeBinary),
        sa.PrimaryKeyConstraint("notice_id", name="pk_notice"),
        sa.UniqueConstraint(
            "cause_event_id",
            "recipient_id",
            "kind",
            name="uq_notice_cause_event_id_recipient_id_kind",
        ),
    )
    op.create_index("ix_notice_contract_id_stream_id", "notice", ["contract_id", "stream_id"])
    op.create_index(
        "ix_notice_recipient_id_planned_at", "notice", ["recipient_id", "planned_at", "notice_id"]
    )


def _create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("notice_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("endpoint", KEY, nullable=False),
        sa.Column("contact_id", sa.Uuid),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("available_at", sa.BigInteger, nullable=False),
        sa.Column("deadline_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("provider_message_id", sa.Text),
        sa.Column("possible_duplicate", sa.Boolean, nullable=False),
        sa.Column("planned_at", sa.BigInteger, nullable=False),
        sa.Column("queued_at", sa.BigInteger),
        sa.Column("handed_off_at", sa.BigInteger),
        sa.Column("accepted_at", sa.BigInteger),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_delivery"),
        sa.UniqueConstraint(
            "notice_id", "channel", "endpoint", name="uq_delivery_notice_id_channel_endpoint"
        ),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["channel", "priority", "available_at"],
        postgresql_where=sa.text("state IN ('pending', 'retry_wait')"),
        sqlite_where=sa.text("state IN ('pending', 'retry_wait')"),
    )
    op.create_index("ix_delivery_planned_at", "delivery", ["planned_at", "delivery_id"])
    op.create_index(
        "ix_delivery_provider_message_id", "delivery", ["provider", "provider_message_id"]
    )
    op.create_index("ix_delivery_state_lease_until", "delivery", ["state", "lease_until"])
    op.create_table(
        "attempt",
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("status_code", sa.Integer),
        sa.Column("enhanced_code", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("retry_after_seconds", sa.Integer),
        sa.Column("provider_message_id", sa.Text),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("handed_off_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("worker", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "n", name="pk_attempt"),
    )


def _create_switches() -> None:
    op.create_table(
        "plan_parked",
        sa.Column("position", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("parked_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_plan_parked"),
    )
    op.create_table(
        "provider_health",
        sa.Column("provider", KEY, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("next_try_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("provider", name="pk_provider_health"),
    )
    op.create_table(
        "switch",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_switch"),
    )
    op.create_table(
        "job_revision",
        sa.Column("job", KEY, nullable=False),
        sa.Column("originator_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.PrimaryKeyConstraint("job", "originator_id", name="pk_job_revision"),
    )
    op.create_index("ix_job_revision_position", "job_revision", ["position"])


def _create_callbacks() -> None:
    op.create_table(
        "callback",
        sa.Column("callback_id", sa.Uuid, nullable=False),
        sa.Column("provider", KEY, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("delivery_id", sa.Uuid),
        sa.Column("destination_lookup", KEY),
        sa.Column("payload", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("happened_at", sa.BigInteger),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("processed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("callback_id", name="pk_callback"),
    )
    op.create_index("ix_callback_state_due_at", "callback", ["state", "due_at"])
    op.create_index("ix_callback_received_at", "callback", ["received_at", "callback_id"])
    op.create_index("ix_callback_delivery_id", "callback", ["delivery_id"])
    op.create_index("ix_callback_destination_lookup", "callback", ["destination_lookup"])
    op.create_table(
        "suppression",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("destination_lookup", KEY, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("lifted_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("channel", "destination_lookup", "reason", name="pk_suppression"),
    )


def downgrade() -> None:
    op.drop_table("suppression")
    op.drop_table("callback")
    op.drop_table("master_key")
    op.drop_table("job_revision")
    op.drop_table("switch")
    op.drop_table("provider_health")
    op.drop_table("plan_parked")
    op.drop_table("attempt")
    op.drop_table("delivery")
    op.drop_table("notice")
    op.drop_table("contact")
    op.drop_table("recipient")
