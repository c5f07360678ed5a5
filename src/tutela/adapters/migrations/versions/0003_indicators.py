"""Hash lists, their imports, the rows an import refused, and the entries.

Each change of an entry takes the next number of one sequence, given by a trigger and not by
whoever writes, so that a row changed by hand reaches the matchers too. The trigger also holds
a lock on the entry's list until the transaction ends: within a list the numbers become visible
in their order, and a matcher that has seen number n has missed nothing below it.

Entries are withdrawn, never deleted: `tutela_app` has no right to delete one.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NUMBER = """
CREATE FUNCTION list_entries_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7355610, hashtext(NEW.list_id));
    NEW.change := nextval('list_entries_change');
    RETURN NEW;
END
$$
"""

_TRIGGER = """
CREATE TRIGGER list_entries_number
    BEFORE INSERT OR UPDATE ON list_entries
    FOR EACH ROW EXECUTE FUNCTION list_entries_number()
"""

# The planner must know a list that has just come in, or it goes through it row by row for each
# row of the next one. Only the owner may gather statistics, hence SECURITY DEFINER.
_KNOW = """
CREATE FUNCTION list_entries_know() RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    ANALYZE list_entries;
END
$$
"""

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        GRANT SELECT, INSERT, UPDATE ON hash_lists, list_entries TO tutela_app;
        GRANT SELECT, INSERT ON list_imports, list_refusals TO tutela_app;
        GRANT USAGE, SELECT ON SEQUENCE list_entries_change TO tutela_app;
        GRANT EXECUTE ON FUNCTION list_entries_know() TO tutela_app;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "hash_lists",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("provenance", sa.Text, nullable=False),
        sa.Column("threshold_bits", sa.Integer, nullable=False),
        sa.Column("min_quality", sa.Integer, nullable=False),
        sa.Column("second_person", sa.Boolean, nullable=False),
        sa.Column("dihedral", sa.Boolean, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "list_imports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("list_id", sa.Text, sa.ForeignKey("hash_lists.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_actor", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("file_sha256", sa.Text, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("withdrawn", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.BigInteger, nullable=False),
        sa.Column("refused_total", sa.BigInteger, nullable=False),
    )
    op.create_index("list_imports_by_list", "list_imports", ["list_id", "at"])
    op.create_table(
        "list_refusals",
        sa.Column("import_id", sa.Text, sa.ForeignKey("list_imports.id"), nullable=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("list_refusals_by_import", "list_refusals", ["import_id", "row"])
    op.execute("CREATE SEQUENCE list_entries_change AS bigint")
    op.create_table(
        "list_entries",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("list_id", sa.Text, sa.ForeignKey("hash_lists.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False, server_default=""),
        sa.Column("scheme", sa.Text),
        sa.Column("scheme_version", sa.Text),
        sa.Column("category_code", sa.Text),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("quality", sa.Integer),
        sa.Column(
            "provenance", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")
        ),
        # When the source last changed it, as far as it says; an older copy changes nothing.
        sa.Column("source_at", sa.DateTime(timezone=True)),
        # The person who withdrew it here; an import does not bring it back.
        sa.Column("withdrawn_by", sa.Text),
        sa.Column("set_aside_why", sa.Text),
        sa.Column("change", sa.BigInteger, nullable=False),  # the trigger gives it
        sa.Column(
            "first_seen",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        # Several records of one list may vouch for the same hash; one of them may go. Led by
        # kind and value, so that looking up a digest uses it too.
        sa.UniqueConstraint(
            "kind", "value", "list_id", "external_id", name="list_entries_once_a_record"
        ),
    )
    op.create_index("list_entries_by_change", "list_entries", ["list_id", "change"])
    op.create_index(
        "list_entries_by_external_id",
        "list_entries",
        ["list_id", "external_id"],
        postgresql_where=sa.text("external_id <> ''"),
    )
    for name, rare in (
        ("list_entries_set_aside", "status = 'set_aside'"),
        ("list_entries_withdrawn_here", "withdrawn_by IS NOT NULL"),
    ):
        op.create_index(name, "list_entries", ["list_id"], postgresql_where=sa.text(rare))
    op.execute(_NUMBER)
    op.execute(_TRIGGER)
    op.execute(_KNOW)
    op.execute("REVOKE ALL ON FUNCTION list_entries_know() FROM PUBLIC")
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.execute("DROP FUNCTION list_entries_know()")
    op.drop_table("list_entries")
    op.execute("DROP FUNCTION list_entries_number()")
    op.execute("DROP SEQUENCE list_entries_change")
    op.drop_table("list_refusals")
    op.drop_table("list_imports")
    op.drop_table("hash_lists")
