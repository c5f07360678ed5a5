"""CSV: our own documented columns (docs/reference/hash-lists.md).

One hash a row (`kind`, `value`), or one file a row with a column for each kind (`md5`, `sha1`,
`sha256`, `pdq`, `photodna`). UTF-8 with or without byte order mark; commas; a header.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from tutela.indicators.formats.texts import clean, is_name, moment
from tutela.indicators.model import EntryStatus, ListEntry, Refusal, SignalKind
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
"""Version of a scheme whose source gives none."""

_STATUS = {
    "": EntryStatus.ACTIVE,
    "active": EntryStatus.ACTIVE,
    "withdrawn": EntryStatus.WITHDRAWN,
    "deleted": EntryStatus.DELETED,
}
_QUALITY = re.compile(r"100|[0-9]{1,2}", re.ASCII)
_LINE_CHARACTERS = 1 << 16


class _RowRefused(ValueError):
    """Raised for a row that cannot be taken; the message is the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """The columns in their order, and the kinds that have a column of their own."""

    columns: tuple[str, ...]
    wide: tuple[SignalKind, ...]


def parse(stream: BinaryIO) -> Iterator[ListEntry | Refusal]:
    """Entries and refusals in the order of the rows; `Refusal.row` is the line (header: 1).

    A header that is not ours, text that is no UTF-8, an open quotation mark or an endless
    line is `BadInput` for the whole file.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    rows = csv.reader(_lines(text), strict=True)
    try:
        header = _header(next(rows, []))
        for fields in rows:
            if fields:
                yield from _row(header, fields, line=rows.line_num)
    except UnicodeDecodeError:
        raise _unreadable(rows.line_num + 1, "this is not UTF-8 text") from None
    except csv.Error:
        raise _unreadable(
            rows.line_num, "the quotation marks do not fit or a field is too long"
        ) from None
    finally:
        with suppress(ValueError):  # who broke off may have closed the stream already
            text.detach()


def recognises(first_line: str) -> bool:
    """Whether this looks like our header; a wrong one too: `parse` says what is wrong."""
    try:
        fields = next(csv.reader([first_line], strict=True), [])
    except csv.Error:
        return False
    return any(field.strip().lower() in {*WIDE, *OPTIONAL, "kind", "value"} for field in fields)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Line by line, each of bounded length."""
    number = 0
    while line := text.readline(_LINE_CHARACTERS):
        number += 1
        if len(line) == _LINE_CHARACTERS and not line.endswith("\n"):
            raise _unreadable(number, f"the line is longer than {_LINE_CHARACTERS} characters")
        yield line


def _header(fields: list[str]) -> _Header:
    """Check the header; unknown columns are refused, because dropping them would be silent."""
    columns = tuple(field.strip().lower() for field in fields)
    wide = tuple(SignalKind(column) for column in columns if column in WIDE)
    long = "kind" in columns and "value" in columns
    known = {*OPTIONAL, *(("kind", "value") if long else WIDE)}
    unknown = [
        place
        for place, column in enumerate(columns, start=1)
        if column not in known and not _is_note(column)
    ]
    if len(set(columns)) != len(columns):
        why = "a column stands there twice"
    elif not long and not wide:
        why = "it has neither the columns kind and value nor one of " + ", ".join(WIDE)
    elif unknown:
        why = f"column {unknown[0]} is not one of ours"
    else:
        return _Header(columns=columns, wide=() if long else wide)
    raise BadInput(
        "The header of this CSV cannot be used",
        why=why,
        remedy=f"Columns are kind, value (or {', '.join(WIDE)}) and, if wanted, "
        f"{', '.join(OPTIONAL)}; any other starts with {PROVENANCE_PREFIX}",
    )


def _is_note(column: str) -> bool:
    """Whether a column of the source's own is kept as provenance; timestamp has its column."""
    name = column.removeprefix(PROVENANCE_PREFIX)
    return column.startswith(PROVENANCE_PREFIX) and name not in {"", "timestamp"}


def _row(header: _Header, fields: list[str], *, line: int) -> Iterator[ListEntry | Refusal]:
    """The entries of one row."""
    if len(fields) != len(header.columns):
        yield Refusal(
            row=line, why=f"it has {len(fields)} fields, the header has {len(header.columns)}"
        )
        return
    cells = dict(zip(header.columns, fields, strict=True))
    if not header.wide:
        yield _entry(cells, cells["kind"].strip().lower(), cells["value"], line=line)
        return
    given = [kind for kind in header.wide if cells[kind]]
    if not given:
        yield Refusal(row=line, why="it holds no hash")
    for kind in given:
        yield _entry(cells, kind, cells[kind], line=line)


def _entry(
    cells: Mapping[str, str], kind_text: str, value_text: str, *, line: int
) -> ListEntry | Refusal:
    """One hash of a row."""
    if kind_text not in KINDS:
        return Refusal(row=line, why=f"the kind is not one of {', '.join(KINDS)}")
    kind = SignalKind(kind_text)
    try:
        return ListEntry(
            kind=kind,
            value=value_of(kind, value_text),
            external_id=_external_id(cells),
            category=_category(cells),
            status=_status(cells),
            quality=_quality(cells),
            provenance=_provenance(cells),
        )
    except NotAHash as error:
        return Refusal(row=line, why=f"{kind}: {error}")
    except _RowRefused as error:
        return Refusal(row=line, why=str(error))


def _external_id(cells: Mapping[str, str]) -> str:
    """The source's own name for the record."""
    name = cells.get("external_id", "").strip()
    if not is_name(name):
        raise _RowRefused("the external_id is too long or cannot be printed")
    return name


def _category(cells: Mapping[str, str]) -> Category | None:
    """A code with its scheme: the same code means different things in different schemes."""
    code = cells.get("category", "").strip()
    scheme = cells.get("scheme", "").strip().lower()
    version = cells.get("scheme_version", "").strip() or UNSPECIFIED
    if not code:
        return None
    if not scheme:
        raise _RowRefused("it has a category but no scheme, so the category means nothing")
    try:
        return _known_category(scheme, version, code)
    except BadInput as error:
        raise _RowRefused(f"scheme, scheme_version and category: {error.why}") from None


@lru_cache(maxsize=256)
def _known_category(scheme: str, version: str, code: str) -> Category:
    """One object for the few categories that a million rows share."""
    return Category(scheme=scheme, version=version, code=code)


def _status(cells: Mapping[str, str]) -> EntryStatus:
    """Active unless the row says otherwise."""
    status = _STATUS.get(cells.get("status", "").strip().lower())
    if status is None:
        raise _RowRefused("the status is not active, withdrawn or deleted")
    return status


def _quality(cells: Mapping[str, str]) -> int | None:
    """0 to 100, or unknown."""
    text = cells.get("quality", "").strip()
    if not text:
        return None
    if not _QUALITY.fullmatch(text):
        raise _RowRefused("the quality is not a whole number from 0 to 100")
    return int(text)


def _provenance(cells: Mapping[str, str]) -> dict[str, str]:
    """What the row says about where it comes from."""
    notes: dict[str, str] = {}
    if text := cells.get("timestamp", "").strip():
        at = moment(text)
        if at is None:
            raise _RowRefused("the timestamp is not an ISO 8601 date and time")
        notes["timestamp"] = iso(at)
    if text := cells.get("provenance", "").strip():
        notes["source"] = clean(text)
    for column, text in cells.items():
        if column.startswith(PROVENANCE_PREFIX) and text.strip():
            notes[clean(column.removeprefix(PROVENANCE_PREFIX))] = clean(text.strip())
    return notes


def _unreadable(line: int, why: str) -> BadInput:
    """The whole file is refused because of this line."""
    return BadInput(
        "This CSV cannot be read", why=f"line {line}: {why}", remedy="Nothing was imported"
    )
