"""What a video match rests on, beside its reasons; a distance only where there is one.

Rows that are there keep what was written: a match is kept as it was when found. How the number
of an old video match is read is said in `cases.store`.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("matches", sa.Column("video", JSONB))  # indicators.reasons.video_fields
    op.alter_column("matches", "distance_bits", existing_type=sa.Integer, nullable=True)


def downgrade() -> None:
    op.execute("UPDATE matches SET distance_bits = 0 WHERE distance_bits IS NULL")
    op.alter_column("matches", "distance_bits", existing_type=sa.Integer, nullable=False)
    op.drop_column("matches", "video")
