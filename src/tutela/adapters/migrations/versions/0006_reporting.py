"""Reports to authorities with their exact bytes, orders to the platform, pinned schemas.

The exchanges only grow: like the ledger, they are kept by rights and by a trigger. One case
has at most one report per channel that is not refused: a second finished one cannot be
stored, and what cannot be stored is not sent.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_RIGHTS = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        RETURN;
    END IF;
    GRANT SELECT, INSERT, UPDATE, DELETE ON reports, report_files, restrictions TO tutela_app;
    GRANT SELECT, INSERT ON report_exchanges, authority_schemas TO tutela_app;
    GRANT USAGE ON SEQUENCE report_exchanges_id_seq TO tutela_app;
END
$$
"""

_REFUSAL = """
CREATE FUNCTION exchanges_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was sent to an authority stays as it was: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$
"""

_TRIGGER = """
CREATE TRIGGER report_exchanges_only_grow
    BEFORE UPDATE OR DELETE OR TRUNCATE ON report_exchanges
    FOR EACH STATEMENT EXECUTE FUNCTION exchanges_refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "authority_schemas",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("xsd", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        # Empty until the law gate has opened: a held report may have no bytes yet.
        sa.Column("xml", sa.LargeBinary),
        sa.Column("schema_sha256", sa.Text, sa.ForeignKey("authority_schemas.sha256")),
        sa.Column("authority_report_id", sa.Text),
        sa.Column("abandoned_ids", ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("receipt", sa.LargeBinary),
        sa.Column("held_because", sa.Text),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
        sa.Column("composed_at", sa.DateTime(timezone=True)),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('composed', 'opened', 'files', 'finished', 'refused', 'held')",
            name="reports_state_known",
        ),
        sa.CheckConstraint(
            "state <> 'finished' OR (receipt IS NOT NULL AND finished_at IS NOT NULL "
            "AND authority_report_id IS NOT NULL)",
            name="reports_finished_has_receipt",
        ),
        sa.CheckConstraint(
            "(state = 'held') = (held_because IS NOT NULL)", name="reports_held_says_why"
        ),
    )
    op.create_index(
        "reports_one_alive",
        "reports",
        ["case_id", "channel"],
        unique=True,
        postgresql_where=sa.text("state <> 'refused'"),
    )
    op.create_index("reports_by_state", "reports", ["state", "id"])
    op.create_table(
        "report_files",
        sa.Column("report_id", sa.Text, sa.ForeignKey("reports.id"), primary_key=True),
        sa.Column("exhibit_id", sa.Text, sa.ForeignKey("exhibits.id"), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("file_id", sa.Text),
        sa.Column("details_xml", sa.LargeBinary),
        sa.Column("uploaded_at", sa.DateTime(timezone=True)),
        sa.Column("described_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("report_id", "position", name="report_files_in_order"),
    )
    op.create_table(
        "report_exchanges",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("report_id", sa.Text, sa.ForeignKey("reports.id"), nullable=False),
        # A call is two rows: the intent before it, and what came of it, which names its intent.
        sa.Column("answers", sa.BigInteger, sa.ForeignKey("report_exchanges.id"), unique=True),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("sent", sa.LargeBinary),
        sa.Column("sent_sha256", sa.Text),
        sa.Column("sent_note", sa.Text, nullable=False, server_default=""),
        sa.Column("received", sa.LargeBinary),
        sa.Column("http_status", sa.Integer),
        sa.Column("reply_code", sa.BigInteger),
        sa.Column("request_id", sa.Text),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "answers IS NOT NULL OR received IS NULL", name="report_exchanges_intent_or_answer"
        ),
    )
    op.create_index("report_exchanges_by_report", "report_exchanges", ["report_id", "id"])
    op.create_table(
        "restrictions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("item_reference", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_why", sa.Text, nullable=False, server_default=""),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("done_by", sa.Text),
        sa.UniqueConstraint("case_id", "item_reference", name="restrictions_once_per_item"),
        sa.CheckConstraint(
            "state IN ('ordered', 'delivered', 'failed', 'manual')",
            name="restrictions_state_known",
        ),
    )
    op.execute(_REFUSAL)
    op.execute(_TRIGGER)
    op.execute("ALTER TABLE report_exchanges ENABLE ALWAYS TRIGGER report_exchanges_only_grow")
    op.execute(_RIGHTS)


def downgrade() -> None:
    op.drop_table("restrictions")
    op.drop_table("report_exchanges")
    op.drop_table("report_files")
    op.drop_table("reports")
    op.drop_table("authority_schemas")
    op.execute("DROP FUNCTION exchanges_refuse_change()")
