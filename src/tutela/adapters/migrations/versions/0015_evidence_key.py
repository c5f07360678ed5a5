"""The evidence key that this installation seals to, and a canary that only its identity opens.

One row, never changed: another key would seal what nobody here can open.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT ON evidence_key TO tutela_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "evidence_key",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("canary", sa.LargeBinary, nullable=False),
        sa.Column("canary_sha256", sa.Text, nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="evidence_key_one_row"),
    )
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("evidence_key")
