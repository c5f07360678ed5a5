"""Finding the few entries whose record could not be read without going through a whole list."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "list_entries_record_unread",
        "list_entries",
        ["list_id"],
        postgresql_where=sa.text("provenance ? 'record_unread' AND external_id = ''"),
    )


def downgrade() -> None:
    op.drop_index("list_entries_record_unread")
