"""Notices to the platform of what was decided, and how far each has come."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT, UPDATE ON decision_notices TO tutela_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "decision_notices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_why", sa.Text, nullable=False, server_default=""),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "decision_notices_open",
        "decision_notices",
        ["case_id"],
        postgresql_where=sa.text("state <> 'delivered'"),
    )
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("decision_notices")
