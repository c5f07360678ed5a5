"""How far the verifying of sealed evidence has come, and what it found missing or damaged."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT, UPDATE ON evidence_rounds, evidence_faults TO tutela_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "evidence_rounds",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_exhibit", sa.Text, nullable=False),
        sa.Column("checked", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "evidence_faults",
        sa.Column("exhibit_id", sa.Text, sa.ForeignKey("exhibits.id"), primary_key=True),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "evidence_faults_open",
        "evidence_faults",
        ["exhibit_id"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("evidence_faults")
    op.drop_table("evidence_rounds")
