"""The room's tables (migrations 0006, 0016). Only `store.py` writes; `waiting.py` reads, too."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from tutela.primitives.database import METADATA

REPORTS = Table(
    "reports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("xml", LargeBinary),
    Column("schema_sha256", Text),
    Column("authority_report_id", Text),
    Column("abandoned_ids", ARRAY(Text), nullable=False),
    Column("receipt", LargeBinary),
    Column("held_because", Text),
    Column("why", Text, nullable=False),
    Column("composed_at", DateTime(timezone=True)),
    Column("opened_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("next_try_at", DateTime(timezone=True)),
)

FILES = Table(
    "report_files",
    METADATA,
    Column("report_id", Text, primary_key=True),
    Column("exhibit_id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("file_id", Text),
    Column("details_xml", LargeBinary),
    Column("uploaded_at", DateTime(timezone=True)),
    Column("described_at", DateTime(timezone=True)),
)

EXCHANGES = Table(
    "report_exchanges",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("report_id", Text, nullable=False),
    Column("answers", BigInteger),
    Column("call", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("sent", LargeBinary),
    Column("sent_sha256", Text),
    Column("sent_note", Text, nullable=False),
    Column("received", LargeBinary),
    Column("http_status", Integer),
    Column("reply_code", BigInteger),
    Column("request_id", Text),
    Column("exhibit_id", Text),
    Column("sandbox", Boolean),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True)),
)

SCHEMAS = Table(
    "authority_schemas",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("fetched_at", DateTime(timezone=True), nullable=False),
    Column("xsd", LargeBinary, nullable=False),
)

RESTRICTIONS = Table(
    "restrictions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("names_item", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_why", Text, nullable=False),
    Column("ordered_at", DateTime(timezone=True), nullable=False),
    Column("delivered_at", DateTime(timezone=True)),
    Column("done_by", Text),
    Column("next_try_at", DateTime(timezone=True)),
)

DECISION_NOTICES = Table(
    "decision_notices",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_why", Text, nullable=False, server_default=""),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
)
