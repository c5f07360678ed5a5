"""The room's tables, and the plain questions asked of them.

Entries are numbered by the database as they change (migration 0003): within one list,
whoever has seen change n has seen everything below n.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from tutela.indicators.model import (
    EntryStatus,
    HashList,
    Ignored,
    Imported,
    Refusal,
    SideField,
    Uncategorised,
)
from tutela.primitives.database import METADATA
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import ImportId, ListId
from tutela.taxonomy.model import Category

HASH_LISTS = Table(
    "hash_lists",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("provenance", Text, nullable=False),
    Column("threshold_bits", Integer, nullable=False),
    Column("min_quality", Integer, nullable=False),
    Column("second_person", Boolean, nullable=False),
    Column("dihedral", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("video_query_percent", Integer, nullable=False),
    Column("video_bank_percent", Integer, nullable=False),
    Column("video_seconds", Integer, nullable=False),
    Column("match_uncategorised", Boolean, nullable=False),
    Column("match_unknown_codes", Boolean, nullable=False),
    Column("category_map", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
IMPORTS = Table(
    "list_imports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("list_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_actor", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("withdrawn", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("refused_total", BigInteger, nullable=False),
    Column("kept_unreadable", BigInteger, nullable=False),
    Column("ignored_total", BigInteger, nullable=False),
)
REFUSALS = Table(
    "list_refusals",
    METADATA,
    Column("import_id", Text, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("field", Text, nullable=False),  # the side field that was left out; "" for a whole row
    Column("why", Text, nullable=False),
)
ENTRIES = Table(
    "list_entries",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("list_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("scheme", Text),
    Column("scheme_version", Text),
    Column("category_code", Text),
    Column("status", Text, nullable=False),
    Column("quality", Integer),
    Column("provenance", JSONB, nullable=False),
    Column("source_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    Column("set_aside_why", Text),
    Column("change", BigInteger, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
VIDEOS = Table(
    "list_videos",
    METADATA,
    Column("value", LargeBinary, primary_key=True),
    Column("frames", LargeBinary, nullable=False),
)
"""The frames of the videos that entries name by their fingerprint (migration 0009)."""

INDEXES = Table(
    "list_indexes",
    METADATA,
    Column("folder_id", Text, primary_key=True),
    Column("list_id", Text, primary_key=True),
    Column("save_id", Text, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
)
"""Which save of a folder's index of a list belongs to this database (migration 0008)."""

CHANNEL = "tutela_lists"
"""PostgreSQL notification that a list has changed; triggers send it (migration 0008)."""

LIST_LOCK = 7355610
"""First half of the advisory lock on a list's entries; the trigger of migration 0003 takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastImport:
    """One import as it is remembered."""

    id: ImportId
    at: datetime
    by: str
    format: str
    file_sha256: str
    complete: bool
    added: int
    updated: int
    withdrawn: int
    unchanged: int
    refused_total: int
    kept_unreadable: int
    ignored_total: int


def all_lists(tx: Connection) -> Sequence[HashList]:
    """Every list, by name."""
    rows = tx.execute(select(HASH_LISTS).order_by(HASH_LISTS.c.name))
    return [_hash_list(row) for row in rows]


def list_named(tx: Connection, name: str) -> HashList | None:
    """The list of this name, or None."""
    row = tx.execute(select(HASH_LISTS).where(HASH_LISTS.c.name == name)).first()
    return _hash_list(row) if row else None


def required(tx: Connection, name: str) -> HashList:
    """The list of this name; `NotFound` names those that exist."""
    found = list_named(tx, name)
    if found is None:
        known = [hash_list.name for hash_list in all_lists(tx)]
        raise NotFound(
            "There is no hash list of this name",
            why=f"the lists are {', '.join(known)}" if known else "no list has been imported yet",
            remedy="See `tutela lists list`",
        )
    return found


def lock_entries(tx: Connection, list_id: ListId) -> None:
    """Let no one else change this list's entries until the end of `tx`."""
    tx.execute(select(func.pg_advisory_xact_lock(LIST_LOCK, func.hashtext(list_id))))


def imports_of(tx: Connection, list_id: ListId, *, limit: int = 10) -> Sequence[PastImport]:
    """The latest imports of a list, newest first."""
    rows = tx.execute(
        select(IMPORTS)
        .where(IMPORTS.c.list_id == list_id)
        .order_by(IMPORTS.c.at.desc(), IMPORTS.c.id.desc())
        .limit(limit)
    )
    return [
        PastImport(
            id=ImportId(row.id),
            at=row.at,
            by=row.by_actor,
            format=row.format,
            file_sha256=row.file_sha256,
            complete=row.complete,
            added=row.added,
            updated=row.updated,
            withdrawn=row.withdrawn,
            unchanged=row.unchanged,
            refused_total=row.refused_total,
            kept_unreadable=row.kept_unreadable,
            ignored_total=row.ignored_total,
        )
        for row in rows
    ]


def keep_refusals(tx: Connection, import_id: ImportId, imported: Imported) -> None:
    """Store the rows that an import refused and the side fields that it left out."""
    rows = [{"row": one.row, "field": "", "why": one.why} for one in imported.refused]
    rows += [{"row": one.row, "field": one.field, "why": one.why} for one in imported.ignored]
    if rows:
        tx.execute(insert(REFUSALS), [{"import_id": import_id, **row} for row in rows])


def refusals_of(tx: Connection, import_id: ImportId, *, limit: int = 10_000) -> Sequence[Refusal]:
    """The refused rows of an import in the order of the file (at most 10,000 are kept).

    What they name is not stored, only their place and the reason.
    """
    rows = _left_out(tx, import_id, REFUSALS.c.field == "", limit=limit)
    return [Refusal(row=row.row, why=row.why) for row in rows]


def ignored_of(tx: Connection, import_id: ImportId, *, limit: int = 10_000) -> Sequence[Ignored]:
    """The side fields that an import left out, in the order of the file (10,000 at most)."""
    rows = _left_out(tx, import_id, REFUSALS.c.field != "", limit=limit)
    return [Ignored(row=row.row, field=SideField(row.field), why=row.why) for row in rows]


def _left_out(
    tx: Connection, import_id: ImportId, which: ColumnElement[bool], *, limit: int
) -> Iterable[Row[tuple[object, ...]]]:
    return tx.execute(
        select(REFUSALS)
        .where(REFUSALS.c.import_id == import_id, which)
        .order_by(REFUSALS.c.row)
        .limit(limit)
    )


def statuses_of(tx: Connection, entries: Collection[int]) -> Mapping[int, EntryStatus]:
    """How these entries stand now, by number; one that is no longer there is absent."""
    rows = tx.execute(select(ENTRIES.c.id, ENTRIES.c.status).where(ENTRIES.c.id.in_(set(entries))))
    return {number: EntryStatus(status) for number, status in rows}


def category_of(
    scheme: str | None, version: str | None, code: str | None
) -> Category | Uncategorised | None:
    """The category of a stored entry; None unless its parts are there and fit.

    A scheme without a code says that the source has not categorised the entry.
    """
    if not (scheme and version):
        return None
    if code is None:
        return Uncategorised(scheme=scheme, version=version)
    try:
        return Category(scheme=scheme, version=version, code=code)
    except BadInput:  # written by hand: the entry still matches, without a category
        return None


def _hash_list(row: Row[tuple[object, ...]]) -> HashList:
    return HashList(
        id=ListId(row.id),
        name=row.name,
        provenance=row.provenance,
        threshold_bits=row.threshold_bits,
        min_quality=row.min_quality,
        second_person=row.second_person,
        dihedral=row.dihedral,
        enabled=row.enabled,
        video_query_percent=row.video_query_percent,
        video_bank_percent=row.video_bank_percent,
        video_seconds=row.video_seconds,
        match_uncategorised=row.match_uncategorised,
        match_unknown_codes=row.match_unknown_codes,
        category_map=row.category_map,
        created_at=row.created_at,
    )
