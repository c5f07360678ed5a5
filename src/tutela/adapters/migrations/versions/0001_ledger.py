"""The ledger that refuses change, the follow-up jobs, and the role with the least rights.

Two locks stand before the ledger: `tutela_app` has no right but SELECT and INSERT, and a
trigger refuses UPDATE, DELETE and TRUNCATE to everybody, the owner included. Where the login
may not create roles (a rented PostgreSQL), the trigger still holds and a NOTICE says so.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROLE = """
DO $$
BEGIN
    -- Roles belong to the whole server: another database may have made it, even just now.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        CREATE ROLE tutela_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'This login may not create the role tutela_app. Let an administrator '
            'create it (CREATE ROLE tutela_app NOLOGIN) and grant it to this login; until '
            'then only the trigger protects the ledger.';
END
$$
"""

_RIGHTS = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        RETURN;
    END IF;
    REVOKE ALL ON ledger FROM PUBLIC, tutela_app;
    GRANT SELECT, INSERT ON ledger TO tutela_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON follow_ups TO tutela_app;
    GRANT SELECT ON alembic_version TO tutela_app;
    BEGIN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO tutela_app', current_schema());
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'This login may not open its schema to tutela_app.';
    END;
    BEGIN
        GRANT tutela_app TO CURRENT_USER;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'This login may not take the role tutela_app. Let an administrator '
            'GRANT tutela_app to it.';
    END;
END
$$
"""

_REFUSAL = """
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger only grows: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Append a line that corrects the earlier one.';
END
$$
"""

_TRIGGER = """
CREATE TRIGGER ledger_only_grows
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
"""

_DROP_ROLE = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        BEGIN
            REVOKE ALL ON alembic_version FROM tutela_app;
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM tutela_app', current_schema());
            DROP ROLE tutela_app;
        EXCEPTION
            -- Kept while other tables or databases of this server give it rights.
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;
        END;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        # Canonical text, not JSONB: the digest covers these very bytes.
        sa.Column("detail_json", sa.Text, nullable=False),
        # Unique, so that no two lines can follow the same one: the chain cannot fork.
        sa.Column("previous", sa.Text, nullable=False, unique=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.CheckConstraint("seq >= 1", name="ledger_seq_from_one"),
    )
    op.create_index("ledger_by_subject", "ledger", ["subject", "seq"])
    op.create_index("ledger_by_action", "ledger", ["action", "seq"])
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("relayed_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "follow_ups_waiting",
        "follow_ups",
        ["id"],
        postgresql_where=sa.text("relayed_at IS NULL"),
    )
    op.execute(_REFUSAL)
    op.execute(_TRIGGER)
    # ALWAYS: also when a session calls itself a replica.
    op.execute("ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_only_grows")
    op.execute(_ROLE)
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("follow_ups")
    op.drop_table("ledger")
    op.execute("DROP FUNCTION ledger_refuse_change()")
    op.execute(_DROP_ROLE)
