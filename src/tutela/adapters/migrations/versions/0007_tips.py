"""The public form's tips: sealed text, found again only by the receipt code's digest."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "tips",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("receipt_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('received', 'assessed', 'closed')", name="tips_state"),
    )
    op.execute(
        """
        DO $$ BEGIN
            IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'tutela_app') THEN
                GRANT SELECT, INSERT, UPDATE ON tips TO tutela_app;
            END IF;
        END $$
        """
    )


def downgrade() -> None:
    op.drop_table("tips")
