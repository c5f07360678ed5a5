"""What an import could not read: side fields that were left out, entries that stayed for it.

Dates that are none no longer count: before this, an entry dated ahead of its import could never
be corrected or withdrawn by its source.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FIGURES = ("kept_unreadable", "ignored_total")
_NO_DATES = """
UPDATE list_entries SET source_at = NULL
WHERE source_at < '1990-01-01T00:00:00Z' OR source_at > now() + interval '2 days'
"""


def upgrade() -> None:
    for name in _FIGURES:
        op.add_column(
            "list_imports",
            sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")),
        )
    op.add_column(
        "list_refusals",
        sa.Column("field", sa.Text, nullable=False, server_default=sa.text("''")),
    )
    op.execute(_NO_DATES)


def downgrade() -> None:
    op.drop_column("list_refusals", "field")
    for name in _FIGURES:
        op.drop_column("list_imports", name)
