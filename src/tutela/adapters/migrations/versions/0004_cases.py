"""Submissions, cases, exhibits, matches, decisions, verdicts, holds, assessments.

What was found, decided and assessed only grows: the program's role has no right to change
it. Rows of cases, exhibits and holds change through their acts; no row is ever removed.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHANGING = ("submissions", "cases", "exhibits", "holds", "destructions")
_GROWING = ("matches", "decisions", "verdicts", "assessments")

_RIGHTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tutela_app') THEN
        REVOKE ALL ON {changing}, {growing} FROM PUBLIC, tutela_app;
        GRANT SELECT, INSERT, UPDATE ON {changing} TO tutela_app;
        GRANT SELECT, INSERT ON {growing} TO tutela_app;
    END IF;
END
$$
"""


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _names(name: str, table: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey(f"{table}.id"), nullable=nullable)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def upgrade() -> None:
    _arriving()
    _holding()
    _judging()
    op.execute(_RIGHTS.format(changing=", ".join(_CHANGING), growing=", ".join(_GROWING)))


def _arriving() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.Text, primary_key=True),
        _text("origin"),
        _moment("received_at"),
        _text("actor"),
        _text("item_reference"),
        _text("item_digest"),
        sa.Column("context", JSONB, nullable=False),
        # Everything that names a person, as one age-sealed value.
        sa.Column("context_sealed", sa.LargeBinary),
    )
    op.create_index(
        "submissions_once",
        "submissions",
        ["actor", "item_reference", "item_digest"],
        unique=True,
        postgresql_where=sa.text("item_reference <> ''"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint(
                "state IN ('received', 'matched', 'reviewed', 'decided', 'closed')",
                name="cases_state_known",
            ),
            nullable=False,
        ),
        _moment("opened_at"),
        sa.Column("priority", sa.Integer, nullable=False),
        _text("claimed_by", nullable=True),
        _moment("claimed_at", nullable=True),
        sa.Column("known_item", sa.Boolean, nullable=False),
        sa.Column("second_person", sa.Boolean, nullable=False),
        sa.Column("needed", ARRAY(sa.Text), nullable=False),
        _moment("reported_at", nullable=True),
        _moment("restricted_at", nullable=True),
        _moment("preserved_at", nullable=True),
        _moment("closed_at", nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("cases_queue", "cases", ["state", "priority", "opened_at"])
    op.create_table(
        "exhibits",
        sa.Column("id", sa.Text, primary_key=True),
        _names("case_id", "cases"),
        _names("submission_id", "submissions"),
        _text("sha256"),
        _text("md5"),
        _text("sha1"),
        sa.Column("size_bytes", sa.BigInteger),
        _text("media_type"),
        _text("pdq", nullable=True),
        sa.Column("quality", sa.Integer),
        _text("pipeline"),
        sa.Column("blob_key", sa.Text, unique=True),
        _text("sealed_sha256", nullable=True),
        _moment("received_at"),
        _moment("destroyed_at", nullable=True),
    )
    op.create_index("exhibits_of_case", "exhibits", ["case_id"])
    op.create_index("exhibits_of_submission", "exhibits", ["submission_id"])
    op.create_table(
        "matches",
        _number(),
        _names("exhibit_id", "exhibits"),
        _names("case_id", "cases"),
        _text("list_id"),
        _text("list_name"),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        _text("external_id"),
        _text("kind"),
        sa.Column("distance_bits", sa.Integer, nullable=False),
        sa.Column("threshold_bits", sa.Integer, nullable=False),
        _text("transform"),
        _text("scheme", nullable=True),
        _text("scheme_version", nullable=True),
        _text("category_code", nullable=True),
        sa.Column("second_person", sa.Boolean, nullable=False),
        sa.Column("reasons", ARRAY(sa.Text), nullable=False),
        _moment("found_at"),
    )
    op.create_index("matches_of_case", "matches", ["case_id"])


def _holding() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Text, primary_key=True),
        _names("exhibit_id", "exhibits"),
        _names("case_id", "cases"),
        _text("basis"),
        _moment("until", nullable=True),
        _moment("placed_at"),
        _moment("released_at", nullable=True),
    )
    op.create_index("holds_of_exhibit", "holds", ["exhibit_id"])
    op.create_index("holds_of_case", "holds", ["case_id"])
    op.create_table(
        "destructions",
        sa.Column("exhibit_id", sa.Text, sa.ForeignKey("exhibits.id"), primary_key=True),
        _text("requested_by"),
        _moment("requested_at"),
        _text("confirmed_by", nullable=True),
        _moment("confirmed_at", nullable=True),
        sa.CheckConstraint("requested_by <> confirmed_by", name="destructions_two_persons"),
    )


def _judging() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text, primary_key=True),
        _names("case_id", "cases"),
        _text("by_actor"),
        _moment("at"),
        _text("verdict"),
        _text("category"),
        _text("age_band"),
        sa.Column("facts", JSONB, nullable=False),
        _text("note"),
        _names("confirms", "decisions", nullable=True),
        sa.Column("final", sa.Boolean, nullable=False),
    )
    op.create_index("decisions_of_case", "decisions", ["case_id", "at"])
    op.create_index(
        "decisions_one_final",
        "decisions",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("final"),
    )
    op.create_table(
        "verdicts",
        _number(),
        _text("sha256", nullable=True),
        _text("pdq", nullable=True),
        _text("verdict"),
        _text("category"),
        _names("case_id", "cases"),
        _moment("decided_at"),
        sa.CheckConstraint("sha256 IS NOT NULL OR pdq IS NOT NULL", name="verdicts_of_a_hash"),
    )
    op.create_index("verdicts_by_sha256", "verdicts", ["sha256"])
    op.create_index("verdicts_by_pdq", "verdicts", ["pdq"])
    op.create_table(
        "assessments",
        _number(),
        _names("case_id", "cases"),
        _moment("as_of"),
        _text("book_digest"),
        sa.Column("result", JSONB, nullable=False),
        _moment("created_at"),
    )
    op.create_index("assessments_of_case", "assessments", ["case_id", "id"])


def downgrade() -> None:
    for table in (
        "assessments",
        "verdicts",
        "decisions",
        "destructions",
        "holds",
        "matches",
        "exhibits",
        "cases",
        "submissions",
    ):
        op.drop_table(table)
