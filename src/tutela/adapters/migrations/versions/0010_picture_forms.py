"""The further hashes of an exhibit, and by which form of the file a match was found.

Rows from before have neither: one hash was computed and asked then.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "exhibits",
        sa.Column("further_hashes", JSONB, nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column(
        "matches", sa.Column("form", sa.Text, nullable=False, server_default=sa.text("''"))
    )


def downgrade() -> None:
    op.drop_column("matches", "form")
    op.drop_column("exhibits", "further_hashes")
