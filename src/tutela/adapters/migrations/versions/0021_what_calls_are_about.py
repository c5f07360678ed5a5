"""Which exhibit a call to an authority was about, and whether a sandbox answered.

Calls of before about file details are found by the file's number in the bytes that were sent. What
was sent stays as it was: the trigger that refuses changes rests while the new column is filled.
Whether a sandbox gave an answer of before is not known.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FIND = """
UPDATE report_exchanges AS line SET exhibit_id = file.exhibit_id
FROM report_files AS file
WHERE line.call = 'fileinfo' AND line.answers IS NULL AND file.report_id = line.report_id
  AND file.file_id IS NOT NULL
  AND position(convert_to('>' || file.file_id || '<', 'UTF8') IN line.sent) > 0
"""


def upgrade() -> None:
    op.add_column("report_exchanges", sa.Column("exhibit_id", sa.Text))
    op.add_column("report_exchanges", sa.Column("sandbox", sa.Boolean))
    op.execute("ALTER TABLE report_exchanges DISABLE TRIGGER USER")
    op.execute(_FIND)
    op.execute("ALTER TABLE report_exchanges ENABLE TRIGGER USER")


def downgrade() -> None:
    op.drop_column("report_exchanges", "sandbox")
    op.drop_column("report_exchanges", "exhibit_id")
