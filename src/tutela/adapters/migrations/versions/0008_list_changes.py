"""Every change of a hash list tells the listening matchers, whoever makes it; saved indexes.

The notice goes out with the commit, once a transaction, from triggers of statements and not
from the program, so that a change by hand is told too. It says only that something changed.

`list_indexes` names, for each list that a folder of this machine or another keeps an index of,
the save that belongs to this database. A database that was restored from an older copy names an
older save, so the newer index, which may lack what was imported since, is not used with it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TELL = """
CREATE FUNCTION lists_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tutela_lists', '');
    RETURN NULL;
END
$$
"""

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT, UPDATE ON list_indexes TO tutela_app;
    END IF;
END
$$
"""


_TOLD = ("hash_lists", "list_entries", "list_indexes")


def upgrade() -> None:
    op.execute(_TELL)
    op.create_table(
        "list_indexes",
        sa.Column("folder_id", sa.Text, primary_key=True),
        sa.Column("list_id", sa.Text, sa.ForeignKey("hash_lists.id"), primary_key=True),
        sa.Column("save_id", sa.Text, nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
    )
    for table in _TOLD:
        op.execute(
            f"CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION lists_changed()"
        )
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("list_indexes")
    for table in _TOLD[:2]:
        op.execute(f"DROP TRIGGER {table}_changed ON {table}")
    op.execute("DROP FUNCTION lists_changed()")
