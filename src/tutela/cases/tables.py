"""The room's tables, as migration 0004 makes them. Only `store.py` reads and writes them."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tutela.primitives.database import METADATA

CASES = Table(
    "cases",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_at", DateTime(timezone=True)),
    Column("known_item", Boolean, nullable=False),
    Column("second_person", Boolean, nullable=False),
    Column("needed", ARRAY(Text), nullable=False),
    Column("reported_at", DateTime(timezone=True)),
    Column("restricted_at", DateTime(timezone=True)),
    Column("preserved_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
)
MATCHES = Table(
    "matches",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("exhibit_id", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("list_id", Text, nullable=False),
    Column("list_name", Text, nullable=False),
    Column("entry_id", BigInteger, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("distance_bits", Integer),
    Column("threshold_bits", Integer, nullable=False),
    Column("transform", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("scheme", Text),
    Column("scheme_version", Text),
    Column("category_code", Text),
    Column("second_person", Boolean, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("video", JSONB(none_as_null=True)),
    Column("found_at", DateTime(timezone=True), nullable=False),
)
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("age_band", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("note", Text, nullable=False),
    Column("confirms", Text),
    Column("final", Boolean, nullable=False),
)
VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("sha256", Text),
    Column("pdq", Text),
    Column("verdict", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
)
ASSESSMENTS = Table(
    "assessments",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("as_of", DateTime(timezone=True), nullable=False),
    Column("book_digest", Text, nullable=False),
    Column("result", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
