"""Videos in hash lists: their frames, and by which shares a list matches them.

A video stands in `list_entries` like any hash, with kind `vpdq` and the fingerprint of its
frames as value, so that provenance, withdrawal and import work as for the others. The frames
rest once under that fingerprint, whichever lists name it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_POLICY = (("video_query_percent", 80), ("video_bank_percent", 80), ("video_seconds", 10))

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT ON list_videos TO tutela_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    for name, default in _POLICY:
        op.add_column(
            "hash_lists",
            sa.Column(name, sa.Integer, nullable=False, server_default=sa.text(str(default))),
        )
    op.create_table(
        "list_videos",
        sa.Column("value", sa.LargeBinary, primary_key=True),
        sa.Column("frames", sa.LargeBinary, nullable=False),  # hashing.video.VideoHash.packed
    )
    # Hashes do not get shorter by compressing.
    op.execute("ALTER TABLE list_videos ALTER COLUMN frames SET STORAGE EXTERNAL")
    op.create_index(
        "list_entries_videos",
        "list_entries",
        ["list_id", "change"],
        postgresql_where=sa.text("kind = 'vpdq'"),
    )
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_index("list_entries_videos")
    op.drop_table("list_videos")
    for name, _ in _POLICY:
        op.drop_column("hash_lists", name)
