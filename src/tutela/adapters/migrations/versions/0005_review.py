"""Who looked at what, why and how long: full views and renditions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_RIGHTS = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        RETURN;
    END IF;
    -- A view is shown and closed; neither table ever loses a row.
    GRANT SELECT, INSERT ON viewings, rendition_log TO tutela_app;
    GRANT UPDATE (shown_at, entire, closed_at) ON viewings TO tutela_app;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "viewings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("exhibit_id", sa.Text, sa.ForeignKey("exhibits.id"), nullable=False),
        sa.Column("by_actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        # Opening is the step a person takes; shown is when the picture went to the browser.
        sa.Column("shown_at", sa.DateTime(timezone=True)),
        sa.Column("entire", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("closed_at >= opened_at", name="viewings_end_after_start"),
    )
    op.create_index("viewings_by_exhibit", "viewings", ["exhibit_id", "opened_at"])
    op.create_index("viewings_by_case", "viewings", ["case_id", "opened_at"])
    op.create_index("viewings_by_actor", "viewings", ["by_actor", "opened_at"])
    op.create_table(
        "rendition_log",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("exhibit_id", sa.Text, sa.ForeignKey("exhibits.id"), nullable=False),
        sa.Column("by_actor", sa.Text, nullable=False),
        sa.Column("rendition", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("rendition_log_by_case", "rendition_log", ["case_id", "id"])
    op.create_index("rendition_log_by_actor", "rendition_log", ["by_actor", "at"])
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("rendition_log")
    op.drop_table("viewings")
