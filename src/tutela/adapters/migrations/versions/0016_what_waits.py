"""What waits or fails in the background, so that people are told.

`worker_seen` has one row: when a worker last said that it runs. Reports and orders get the error
of their last attempt and the time of the next one. Rows of before have none until their next
attempt.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT, UPDATE ON worker_seen TO tutela_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "worker_seen",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(_RIGHTS)
    op.add_column("reports", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    op.add_column("reports", sa.Column("last_error", sa.Text, nullable=False, server_default=""))
    for table in ("reports", "restrictions"):
        op.add_column(table, sa.Column("next_try_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for table in ("reports", "restrictions"):
        op.drop_column(table, "next_try_at")
    op.drop_column("reports", "last_error")
    op.drop_column("reports", "attempts")
    op.drop_table("worker_seen")
