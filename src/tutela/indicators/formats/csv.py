"""CSV: our own documented columns (docs/reference/hash-lists.md).

One hash a row (`kind`, `value`), or one file a row with a column for each kind (`md5`, `sha1`,
`sha256`, `pdq`, `photodna`). UTF-8 with or without byte order mark; a header.
Commas, semicolons or tabs separate the fields: a first line `sep=;` says which, else the header.
"""

import csv
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import BinaryIO

from tutela.indicators.categories import NO_SCHEME, is_judged
from tutela.indicators.formats.csv_lines import (
    LINE_BYTES,
    SEPARATOR_LINE,
    Lines,
    beginning,
    separator_of,
    unreadable,
)
from tutela.indicators.formats.identities import anything_in, hashes_in
from tutela.indicators.formats.texts import clean, is_name, moment
from tutela.indicators.model import (
    EntryStatus,
    Identity,
    Ignored,
    ListEntry,
    ParsedRow,
    Partial,
    Refusal,
    SideField,
    SignalKind,
    Uncategorised,
)
from tutela.indicators.signals import NotAHash, value_of
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category

KINDS = tuple(kind.value for kind in SignalKind if kind is not SignalKind.VPDQ)
"""A video has frames and a format of its own (vpdq)."""
WIDE = tuple(kind for kind in KINDS if kind != SignalKind.OTHER)
OPTIONAL = (
    "external_id",
    "scheme",
    "scheme_version",
    "category",
    "status",
    "quality",
    "timestamp",
    "provenance",
)
PROVENANCE_PREFIX = "provenance."
UNSPECIFIED = "unspecified"
MAX_SCHEME_CHARACTERS = 64
"""Version of a scheme whose source gives none."""

_STATUS = {
    "": EntryStatus.ACTIVE,
    "active": EntryStatus.ACTIVE,
    "withdrawn": EntryStatus.WITHDRAWN,
    "deleted": EntryStatus.DELETED,
}
_OF_DUMPS = {
    "signal_type": "kind",
    "signal_val": "value",
    "signal_value": "value",
    "signal": "value",
    "bank": f"{PROVENANCE_PREFIX}bank",
}
"""The columns of Hasher-Matcher-Actioner's and ThreatExchange's dumps, as ours."""
_KINDS_OF_DUMPS = {
    "video_md5": "md5",
    "hash_video_md5": "md5",
    "hash_video_sha256": "sha256",
    **{f"hash_{kind}": kind for kind in ("pdq", "md5", "sha1", "sha256")},
}
_QUALITY = re.compile(r"(100|[0-9]{1,2})(\.0*)?", re.ASCII)
_NEARLY = 0.7  # as difflib counts likeness: "statsu", "categories", "externalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """The columns in their order, and the kinds that have a column of their own."""

    columns: tuple[str, ...]
    wide: tuple[SignalKind, ...]
    unknown: tuple[int, ...] = ()


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """Entries and refusals in the order of the rows; `Refusal.row` is the line (header: 1).

    A header that is not ours, text that is no UTF-8, an open quotation mark or an endless
    line is `BadInput` for the whole file.
    """
    csv.field_size_limit(LINE_BYTES)  # a note of any length is cut, and refuses nothing
    lines = Lines(stream)
    try:
        separator, first = beginning(lines)
        rows = csv.reader(itertools.chain(first, lines), delimiter=separator, strict=True)
        header = _header(next(rows, []), line=lines.number)
        for place in header.unknown:
            why = f"column {place} is not one of ours, so it is not read"
            yield Ignored(row=lines.number, field=SideField.OTHER, why=why)
        fields: list[str] = []
        for fields in rows:
            if fields:
                yield from _row(header, fields, line=lines.number)
        if not lines.ended and fields and not _ends_with_hash(header, fields):
            yield Partial(why="its last line has no line end, so the file may have been cut off")
    except csv.Error:
        raise unreadable(
            lines.number, "the quotation marks do not fit or a field is too long"
        ) from None


def recognises(first_line: str) -> bool:
    """Whether this looks like our header; a wrong one too: `parse` says what is wrong."""
    try:
        if SEPARATOR_LINE.fullmatch(first_line.strip(" ")):
            return True
        separator = separator_of(first_line)
        fields = next(csv.reader([first_line], delimiter=separator, strict=True), [])
    except csv.Error:
        return False
    return any(
        field.strip().lower() in {*WIDE, *OPTIONAL, "kind", "value", "signal_type"}
        for field in fields
    )


def _ends_with_hash(header: "_Header", fields: list[str]) -> bool:
    """Whether the row ends with a whole hash, so that nothing of it can have been cut off."""
    return len(fields) == len(header.columns) and bool(hashes_in(fields[-1]))


def _header(fields: list[str], *, line: int) -> _Header:
    """Check the header; unknown columns are left out and told.

    One that is nearly a column of ours is refused: leaving out a misspelt `status` would bring in
    what was withdrawn. So is a column of hashes beside `kind` and `value`.
    """
    columns = tuple(field.strip().lower() for field in fields)
    if "signal_type" in columns and not {"kind", "value"} & set(columns):
        columns = tuple(_OF_DUMPS.get(column, column) for column in columns)
    while columns and not columns[-1]:  # spreadsheets write empty columns after the last one
        columns = columns[:-1]
    wide = tuple(SignalKind(column) for column in columns if column in WIDE)
    long = "kind" in columns and "value" in columns
    known = {*OPTIONAL, *(("kind", "value") if long else WIDE)}
    unknown = {
        place: column
        for place, column in enumerate(columns, start=1)
        if column not in known and not _is_note(column)
    }
    meant = [
        (place, near[0])
        for place, column in unknown.items()
        if (near := get_close_matches(column, {*known, *WIDE}, n=1, cutoff=_NEARLY))
    ]
    if len(set(columns)) != len(columns):
        why = "a column stands there twice"
    elif not long and not wide:
        why = "it has neither the columns kind and value nor one of " + ", ".join(WIDE)
        if lacks := {"kind", "value"} - set(columns) if {"kind", "value"} & set(columns) else None:
            why = f"the column {min(lacks)} is missing"
    elif meant:
        place, ours = meant[0]
        why = f"column {place} is not one of ours, and nearly {ours}"
    else:
        return _Header(columns=columns, wide=() if long else wide, unknown=tuple(unknown))
    raise BadInput(
        "The header of this CSV cannot be used",
        why=f"line {line}: {why}",
        remedy="Separate the columns by commas, semicolons or tabs. "
        f"Columns are kind, value (or {', '.join(WIDE)}) and, if wanted, "
        f"{', '.join(OPTIONAL)}; any other starts with {PROVENANCE_PREFIX}",
    )


def _is_note(column: str) -> bool:
    """Whether a column of the source's own is kept as provenance; timestamp has its column."""
    name = column.removeprefix(PROVENANCE_PREFIX)
    return column.startswith(PROVENANCE_PREFIX) and name not in {"", "timestamp"}


def _row(header: _Header, fields: list[str], *, line: int) -> Iterator[ParsedRow]:
    """The entries of one row."""
    wide = len(header.columns)
    if len(fields) > wide and not any(cell.strip() for cell in fields[wide:]):
        fields = fields[:wide]  # empty cells after the last column say nothing
    if len(fields) != len(header.columns):
        yield Refusal(
            row=line,
            why=f"it has {len(fields)} fields, the header has {len(header.columns)}",
            names=anything_in(fields),
        )
        return
    cells = dict(zip(header.columns, fields, strict=True))
    beside = _beside(cells, line=line)
    yield from beside.ignored
    if not header.wide:
        kind = cells["kind"].strip().lower()
        yield _entry(beside, _KINDS_OF_DUMPS.get(kind, kind), cells["value"])
        return
    given = [kind for kind in header.wide if cells[kind].strip()]
    if not given:
        yield Refusal(
            row=line, why="it holds no hash", names=beside.record, certain=bool(beside.record)
        )
    for kind in given:
        yield _entry(beside, kind, cells[kind])


@dataclass(kw_only=True, slots=True)
class _Beside:
    """What stands beside the hashes of a row, as far as it can be read."""

    line: int
    external_id: str = ""
    category: Category | Uncategorised | None = None
    status: EntryStatus | None = None
    quality: int | None = None
    provenance: dict[str, str] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)

    def leave_out(self, side_field: SideField, why: str) -> None:
        """Note a field that cannot be read."""
        self.ignored.append(Ignored(row=self.line, field=side_field, why=why))

    @property
    def record(self) -> tuple[Identity, ...]:
        """The record that the row names, if it names one."""
        return (Identity(external_id=self.external_id),) if self.external_id else ()


def _beside(cells: Mapping[str, str], *, line: int) -> _Beside:
    """Read the side fields of a row; none of them refuses it."""
    beside = _Beside(line=line, status=_STATUS.get(cells.get("status", "").strip().lower()))
    name = cells.get("external_id", "").strip()
    if is_name(name):
        beside.external_id = name
    else:
        beside.leave_out(SideField.EXTERNAL_ID, "it is too long or cannot be printed")
    _read_category(beside, cells)
    quality = cells.get("quality", "").strip()
    if _QUALITY.fullmatch(quality):
        beside.quality = int(quality.partition(".")[0])
    elif quality:
        beside.leave_out(SideField.QUALITY, "it is not a whole number from 0 to 100")
    beside.provenance = _provenance(cells)
    if "timestamp_unread" in beside.provenance:
        beside.leave_out(SideField.TIMESTAMP, "it is not an ISO 8601 date and time")
    return beside


def _entry(beside: _Beside, kind_text: str, value_text: str) -> ListEntry | Refusal:
    """One hash of a row."""
    line, record = beside.line, beside.record
    readable = hashes_in(value_text)
    if kind_text not in KINDS:
        other = Identity(kind=SignalKind.OTHER, value=value_text.encode("utf-8", "replace"))
        return Refusal(
            row=line,
            why=f"the kind is not one of {', '.join(KINDS)}",
            names=(*readable, other, *record),
            certain=bool(readable),
        )
    kind = SignalKind(kind_text)
    try:
        value = value_of(kind, value_text if kind is SignalKind.OTHER else value_text.strip())
    except NotAHash as error:
        return Refusal(
            row=line,
            why=f"{kind}: {error}",
            names=(*readable, *record),
            certain=bool(record),
        )
    if beside.status is None:
        return Refusal(
            row=line,
            why="the status is not active, withdrawn or deleted",
            names=(Identity(kind=kind, value=value),),
            certain=True,
        )
    return ListEntry(
        kind=kind,
        value=value,
        external_id=beside.external_id,
        category=beside.category,
        status=beside.status,
        quality=beside.quality,
        provenance=beside.provenance,
        unread=frozenset(one.field for one in beside.ignored),
        row=line,
    )


def _read_category(beside: _Beside, cells: Mapping[str, str]) -> None:
    """A code with its scheme: the same code means different things in different schemes."""
    code = cells.get("category", "").strip()
    scheme = cells.get("scheme", "").strip().lower()
    version = cells.get("scheme_version", "").strip() or UNSPECIFIED
    if not code:
        beside.category = _none_of(scheme, version) if is_judged(scheme) else None
        return
    why = "" if scheme else "it has no scheme, so it means nothing"
    try:
        beside.category = _known_category(scheme or NO_SCHEME, version, code)
    except BadInput as error:
        beside.category = _none_of(scheme, version)
        why = f"scheme, scheme_version and category: {error.why}"
    if why:
        beside.leave_out(SideField.CATEGORY, why)


def _none_of(scheme: str, version: str) -> Uncategorised:
    """No category of this scheme, or of none where the scheme cannot be read either."""
    readable = all(
        part and len(part) <= MAX_SCHEME_CHARACTERS and part.isprintable() and "/" not in part
        for part in (scheme, version)
    )
    if not readable:
        return Uncategorised(scheme=NO_SCHEME, version=UNSPECIFIED)
    return Uncategorised(scheme=scheme, version=version)


@lru_cache(maxsize=256)
def _known_category(scheme: str, version: str, code: str) -> Category:
    """One object for the few categories that a million rows share."""
    return Category(scheme=scheme, version=version, code=code)


def _provenance(cells: Mapping[str, str]) -> dict[str, str]:
    """What the row says about where it comes from."""
    notes: dict[str, str] = {}
    if text := cells.get("timestamp", "").strip():
        at = moment(text)
        notes.update({"timestamp_unread": clean(text)} if at is None else {"timestamp": iso(at)})
    if text := cells.get("provenance", "").strip():
        notes["source"] = clean(text)
    for column, text in cells.items():
        if column.startswith(PROVENANCE_PREFIX) and text.strip():
            notes[clean(column.removeprefix(PROVENANCE_PREFIX))] = clean(text.strip())
    return notes
