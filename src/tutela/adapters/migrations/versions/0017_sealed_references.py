"""References to items, and names of services, rest sealed.

Sealing needs the evidence key, which a migration does not have: the rows that are there are
sealed by the first process that opens the evidence (`evidence.references.seal_plain`), and
`submissions.item_reference` holds nothing from then on. An order to disable access kept a copy
of the reference; it takes it from the submission now. Every case has one submission, and so one
order. Going down keeps the rows and loses the sealed references.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NO_TEXT = sa.text("''")


def upgrade() -> None:
    op.add_column("submissions", sa.Column("reference_sealed", sa.LargeBinary))
    op.add_column(
        "submissions",
        sa.Column("reference_digest", sa.Text, nullable=False, server_default=_NO_TEXT),
    )
    op.alter_column("submissions", "item_reference", server_default=_NO_TEXT)
    op.create_index(
        "submissions_once_by_digest",
        "submissions",
        ["actor", "reference_digest", "item_digest"],
        unique=True,
        postgresql_where=sa.text("reference_digest <> ''"),
    )
    op.add_column(
        "restrictions",
        sa.Column("names_item", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute("UPDATE restrictions SET names_item = item_reference <> ''")
    op.drop_constraint("restrictions_once_per_item", "restrictions")
    op.drop_column("restrictions", "item_reference")
    op.create_unique_constraint("restrictions_once_per_case", "restrictions", ["case_id"])


def downgrade() -> None:
    op.drop_constraint("restrictions_once_per_case", "restrictions")
    op.add_column(
        "restrictions",
        sa.Column("item_reference", sa.Text, nullable=False, server_default=_NO_TEXT),
    )
    op.alter_column("restrictions", "item_reference", server_default=None)
    op.create_unique_constraint(
        "restrictions_once_per_item", "restrictions", ["case_id", "item_reference"]
    )
    op.drop_column("restrictions", "names_item")
    op.drop_index("submissions_once_by_digest")
    op.alter_column("submissions", "item_reference", server_default=None)
    op.drop_column("submissions", "reference_digest")
    op.drop_column("submissions", "reference_sealed")
