"""Contacts are confirmed by a link too: its keyed hash stands beside that of the code."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("contact_letter", sa.Column("link_tag", sa.LargeBinary))
    op.create_index("ix_contact_letter_link_tag", "contact_letter", ["link_tag"])


def downgrade() -> None:
    op.drop_index("ix_contact_letter_link_tag", "contact_letter")
    op.drop_column("contact_letter", "link_tag")
