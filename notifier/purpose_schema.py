"""Tables of alerts that keep their purpose."""

from sqlalchemy import BigInteger, Column, Index, Table, Uuid, text

from notifier.schema import delivery
from store.schema import metadata

# Notices one of whose deliveries came to nothing: another channel may carry them (onward.py).
onward = Table(
    "onward",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_onward_created_at", "created_at"),
)
# Deliveries that may have left, and whose end somebody may still tell (doubts.py).
IN_DOUBT = "state = 'unknown' AND reason IN ('lease_expired', 'outcome_unknown', 'defect')"
Index(
    "ix_delivery_in_doubt",
    delivery.c.updated_at,
    postgresql_where=text(IN_DOUBT),
    sqlite_where=text(IN_DOUBT),
)
WAITING_STEP = "state = 'held' AND purpose IS NOT NULL"
Index(
    "ix_delivery_step",
    delivery.c.notice_id,
    postgresql_where=text(WAITING_STEP),
    sqlite_where=text(WAITING_STEP),
)
