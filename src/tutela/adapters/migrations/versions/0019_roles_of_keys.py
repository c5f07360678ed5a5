"""What a program's key stands for; until now each was a platform's."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "api_keys",
        sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{platform}'")),
    )
    op.alter_column("api_keys", "roles", server_default=None)


def downgrade() -> None:
    op.execute("DELETE FROM api_keys WHERE roles <> '{platform}'")  # never a platform by accident
    op.drop_column("api_keys", "roles")
