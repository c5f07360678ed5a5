"""The rows of a file on their way into a list: copied to temporary tables, one in memory at a time.

`incoming` holds the entries, `refused_names` what the rows that could not be read in full name.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import Connection, text

from tutela.indicators.formats.identities import hashes_in
from tutela.indicators.formats.texts import moment
from tutela.indicators.model import (
    Identity,
    Ignored,
    ListEntry,
    ParsedRow,
    Partial,
    Refusal,
    SideField,
    SignalKind,
)
from tutela.primitives.errors import Unavailable
from tutela.taxonomy.model import Category

KEPT_REFUSALS = 10_000
AHEAD = timedelta(days=2)
"""A source's date may be so far ahead of the import: clocks and time zones differ."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""A date before this is what programs write for "not set": 0001, 1601, 1900, 1970."""

RECORD_UNREAD = "record_unread"
"""In the provenance of an entry whose record could not be read."""

_COLUMNS = (
    "seq, row_no, kind, value, external_id, scheme, scheme_version, category_code, status, "
    "quality, provenance, source_at, tombstone, frames, category_unread, quality_unread, "
    "refused, certain, whole_record"
)
_CREATE = """
CREATE TEMPORARY TABLE incoming (
    seq bigint, row_no bigint, kind text, value bytea, external_id text, scheme text,
    scheme_version text, category_code text, status text, quality integer, provenance jsonb,
    source_at timestamptz, tombstone boolean, frames bytea, category_unread boolean,
    quality_unread boolean, refused boolean, certain boolean, whole_record boolean,
    record_unread boolean GENERATED ALWAYS AS (whole_record AND NOT refused) STORED,
    withdrawn_by text
) ON COMMIT DROP
"""
_CREATE_REFUSED = """
CREATE TEMPORARY TABLE refused_names ON COMMIT DROP AS
SELECT row_no, kind, value, external_id, certain, whole_record FROM incoming WHERE refused
"""


@dataclass(kw_only=True, slots=True)
class Staged:
    """What was read from a file: how many entries, which rows were refused, what was left out.

    `anonymous` is the first row that names nothing at all, 0 when there is none; `partial` is why
    the file is not the full list, "" when nothing in it says so.
    """

    entries: int = 0
    refused: list[Refusal] = field(default_factory=list)
    refused_total: int = 0
    ignored: list[Ignored] = field(default_factory=list)
    ignored_total: int = 0
    named: int = 0
    records_unread: int = 0
    anonymous: int = 0
    partial: str = ""

    def refuse(self, refusal: Refusal) -> None:
        """Count a refused row."""
        self.refused_total += 1
        if not refusal.names:
            self.anonymous = self.anonymous or refusal.row
        if len(self.refused) < KEPT_REFUSALS:
            self.refused.append(refusal)

    def ignore(self, ignored: Ignored) -> None:
        """Count a side field that was left out."""
        self.ignored_total += 1
        if len(self.ignored) < KEPT_REFUSALS:
            self.ignored.append(ignored)


def stage(tx: Connection, rows: Iterable[ParsedRow], *, at: datetime) -> Staged:
    """Copy what was parsed into the temporary tables; keep 10,000 refusals and count all.

    `at` is the moment of the import: a date ahead of it (`AHEAD`) or before `EARLIEST` is none.
    """
    staged = Staged()
    tx.execute(text(_CREATE))
    driver = tx.connection.driver_connection
    if driver is None:  # pragma: no cover - a transaction always has one
        raise Unavailable("The database did not answer")
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY incoming ({_COLUMNS}) FROM STDIN") as copy,
        ):
            for row in rows:
                for fields in _stored(row, staged, at=at):
                    copy.write_row(fields)
    except psycopg.OperationalError as error:
        raise Unavailable(
            "The database went away while the list was read",
            why=type(error).__name__,
            remedy="Nothing was imported. Run the same command again when it is back",
        ) from error
    if staged.named:
        tx.execute(text(_CREATE_REFUSED))
        tx.execute(text("DELETE FROM incoming WHERE refused"))
        tx.execute(text("ANALYZE refused_names"))
    tx.execute(text("ANALYZE incoming"))
    return staged


def source_moment(entry: ListEntry, *, at: datetime) -> tuple[datetime | None, str]:
    """When the source last changed the entry, and why its date does not count ("" when it does).

    A date that programs write for "not set" is none, and nothing is said about it.
    """
    given = entry.provenance.get("timestamp")
    moved = moment(given) if given is not None else None
    if moved is None or moved < EARLIEST:
        return None, ""
    if moved > at + AHEAD:
        return None, "the date lies ahead of this import, so it does not count"
    return moved, ""


def _stored(row: ParsedRow, staged: Staged, *, at: datetime) -> Iterable[tuple[object, ...]]:
    """The rows of the temporary table for one parsed row, which is counted."""
    if isinstance(row, Ignored):
        staged.ignore(row)
    elif isinstance(row, Partial):
        staged.partial = staged.partial or row.why
    elif isinstance(row, Refusal):
        staged.refuse(row)
        for identity in row.names:
            staged.named += 1
            yield _name(identity, row.row, certain=row.certain, whole_record=not row.certain)
    else:
        staged.entries += 1
        source_at, why = source_moment(row, at=at)
        if why:
            staged.ignore(Ignored(row=row.row, field=SideField.TIMESTAMP, why=why))
        yield _entry(staged.entries, row, source_at)
        if SideField.EXTERNAL_ID in row.unread:
            staged.named += 1
            staged.records_unread += 1
            own = Identity(kind=row.kind, value=row.value)
            yield _name(own, row.row, certain=True, whole_record=True)
        if row.kind is SignalKind.OTHER and row.value:
            # Its kind may be what could not be read: whatever hash the text is stays as it was.
            for identity in hashes_in(row.value.decode("utf-8", "replace").rpartition(":")[2]):
                staged.named += 1
                yield _name(identity, row.row, certain=True, whole_record=False)


def _entry(number: int, entry: ListEntry, source_at: datetime | None) -> tuple[object, ...]:
    """An entry, in the order of `_COLUMNS`."""
    category, notes = entry.category, dict(entry.provenance)
    record_unread = SideField.EXTERNAL_ID in entry.unread
    if record_unread:
        notes[RECORD_UNREAD] = "true"
    return (
        number,
        entry.row,
        entry.kind.value,
        entry.value,
        entry.external_id,
        category.scheme if category else None,
        category.version if category else None,
        category.code if isinstance(category, Category) else None,
        entry.status.value,
        entry.quality,
        json.dumps(notes, ensure_ascii=False) if notes else "{}",
        source_at,
        not entry.value,
        entry.video.packed() if entry.video is not None else None,
        SideField.CATEGORY in entry.unread,
        SideField.QUALITY in entry.unread,
        False,
        True,
        record_unread,
    )


def _name(identity: Identity, row: int, *, certain: bool, whole_record: bool) -> tuple[object, ...]:
    """What a row that was not read in full names, in the order of `_COLUMNS`."""
    kind = identity.kind.value if identity.kind is not None else None
    unused = (None,) * 6
    return (
        *(0, row, kind, identity.value, identity.external_id, *unused),
        *(None, False, None, False, False, True, certain, whole_record),
    )
