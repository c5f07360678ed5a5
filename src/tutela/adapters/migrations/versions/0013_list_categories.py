"""What a list does with entries that have no category, or a code that nobody defines.

Before this, an entry of a VICS file without a category was stored like one of a list that has no
categories, and matched. Its provenance says which it is: it now has its scheme without a code.
Codes that no scheme defines matched too; a list that holds some goes on with that, until somebody
changes its setting, because what they stand for is not known here.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FLAGS = ("match_uncategorised", "match_unknown_codes")
_UNCATEGORISED = """
UPDATE list_entries SET
    scheme = CASE lower(split_part(provenance ->> 'envelope', ' ', 3))
        WHEN 'us' THEN 'vics-us' WHEN 'uk' THEN 'vics-uk' ELSE 'vics-unknown' END,
    scheme_version = split_part(provenance ->> 'envelope', ' ', 2)
WHERE scheme IS NULL AND provenance ->> 'envelope' LIKE 'VICS _%'
"""
_GO_ON = """
UPDATE hash_lists l SET match_unknown_codes = true
WHERE EXISTS (
    SELECT FROM list_entries e
    WHERE e.list_id = l.id AND e.status = 'active' AND e.scheme LIKE 'vics-%'
      AND e.category_code NOT IN ('0', '1', '2', '3')
      AND NOT (e.scheme = 'vics-us' AND e.category_code IN ('4', '5')))
"""
_AS_BEFORE = """
UPDATE list_entries SET scheme = NULL, scheme_version = NULL
WHERE category_code IS NULL AND scheme LIKE 'vics-%'
"""


def upgrade() -> None:
    for name in _FLAGS:
        op.add_column(
            "hash_lists",
            sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false")),
        )
    op.add_column(
        "hash_lists",
        sa.Column("category_map", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    )
    op.execute(_GO_ON)
    op.execute(_UNCATEGORISED)


def downgrade() -> None:
    op.execute(_AS_BEFORE)
    op.drop_column("hash_lists", "category_map")
    for name in _FLAGS:
        op.drop_column("hash_lists", name)
