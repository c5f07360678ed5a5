"""JSON of two exchanges, as their servers answer: StopNCII and Tech Against Terrorism.

Fields: interfaces.md 2.2, and pytx's clients. What is withdrawn or deleted there is so here. Who
reported, and what others answered, is not kept.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from tutela.indicators.formats.identities import hashes_in
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
)
from tutela.indicators.signals import NotAHash, value_of
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput

MAX_BYTES = 64 << 20
"""A page of either holds some hundred records; a longer file is refused."""
_COUNT_DIGITS = 12
_STOPNCII_KINDS = {"imagepdq": SignalKind.PDQ, "videomd5": SignalKind.MD5}
_STOPNCII_STATUS = {
    "active": EntryStatus.ACTIVE,
    "received": EntryStatus.ACTIVE,
    "withdrawn": EntryStatus.WITHDRAWN,
    "deleted": EntryStatus.DELETED,
}
_TAT_KINDS = {
    "pdq": SignalKind.PDQ,
    "md5": SignalKind.MD5,
    "sha1": SignalKind.SHA1,
    "sha256": SignalKind.SHA256,
}
_TAT_STATUS = {"False": EntryStatus.ACTIVE, "None": EntryStatus.ACTIVE, "True": EntryStatus.DELETED}


def stopncii(stream: BinaryIO) -> Iterator[ParsedRow]:
    """The records of a `FetchHashes` answer; `row` is the record's number."""
    document, records = _document(stream, "hashRecords")
    if document.get("hasMoreRecords") not in (False, None):
        yield Partial(why="it is one page of several: hasMoreRecords")
    yield from _short_of(document, records)
    for row, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            yield Refusal(row=row, why="it is not an object")
            continue
        kind = _STOPNCII_KINDS.get(_plain(record.get("signalType")))
        status = _STOPNCII_STATUS.get(_plain(record.get("hashStatus")))
        yield from _entry(
            record.get("hashValue"), kind, status, at=record.get("lastModtimestamp"), row=row
        )


def tat(stream: BinaryIO) -> Iterator[ParsedRow]:
    """The records of a `hash-list` answer; `row` is the record's number."""
    document, records = _document(stream, "results")
    if document.get("next") or document.get("previous"):
        yield Partial(why="it is one page of several: next or previous")
    yield from _short_of(document, records)
    for row, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            yield Refusal(row=row, why="it is not an object")
            continue
        kind = _TAT_KINDS.get(_plain(record.get("algorithm")).replace("-", ""))
        deleted = record.get("deleted")
        status = _TAT_STATUS.get(str(deleted)) if not isinstance(deleted, str) else None
        yield from _entry(
            record.get("hash_digest"), kind, status, at=record.get("updated_on"), row=row
        )


def recognises(head: bytes) -> str:
    """The name of the exchange that this begins like, or nothing."""
    if not head.lstrip().startswith(b"{"):
        return ""
    if b'"hashRecords"' in head:
        return "stopncii"
    return "tat" if b'"results"' in head and b'"hash_digest"' in head else ""


def _document(stream: BinaryIO, key: str) -> tuple[dict[str, Any], list[Any]]:
    """The answer and its records; numbers stay text, so that none can be too long to read."""
    raw = stream.read(MAX_BYTES + 1)
    why = f"it is longer than {MAX_BYTES >> 20} MiB" if len(raw) > MAX_BYTES else ""
    document: object = None
    try:
        document = None if why else json.loads(raw.decode("utf-8-sig"), parse_int=str)
    except UnicodeDecodeError as error:
        why = f"line {raw.count(10, 0, error.start) + 1}: this is not UTF-8 text"
    except json.JSONDecodeError as error:
        why = f"line {error.lineno}: the JSON is broken or stops"
    except RecursionError:
        why = "it is nested too deep"
    records = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(records, list):
        raise BadInput(
            "This list cannot be read",
            why=why or f"it has no list {key}",
            remedy="Nothing was imported. Save the server's answer as it came, in UTF-8",
        )
    return document, records


def _short_of(document: Mapping[str, Any], records: list[Any]) -> Iterator[ParsedRow]:
    """Whether fewer records came than the answer counts."""
    count = document.get("count")
    digits = count if isinstance(count, str) and count.isascii() and count.isdigit() else "0"
    if len(digits) > _COUNT_DIGITS or int(digits) > len(records):
        yield Partial(why=f"it counts more records than the {len(records)} that it holds")


def _entry(
    text: object,
    kind: SignalKind | None,
    status: EntryStatus | None,
    *,
    at: object,
    row: int,
) -> Iterator[ParsedRow]:
    """One record: only hash, kind and status decide over it."""
    given = text.strip() if isinstance(text, str) else ""
    names = hashes_in(given)
    if kind is None:
        why = "its kind of hash is not one that we read"
        yield Refusal(row=row, why=why, names=names, certain=bool(names))
        return
    try:
        value = value_of(kind, given)
    except NotAHash as error:
        yield Refusal(row=row, why=f"{kind}: {error}", names=names)
        return
    if status is None:
        why = "it does not say whether it is withdrawn in a word that we know"
        yield Refusal(row=row, why=why, names=(Identity(kind=kind, value=value),), certain=True)
        return
    moved = _moment(at)
    unread = frozenset([SideField.TIMESTAMP] if moved is None and at is not None else [])
    if unread:
        yield Ignored(row=row, field=SideField.TIMESTAMP, why="it is not seconds since 1970")
    yield ListEntry(
        kind=kind,
        value=value,
        status=status,
        provenance={} if moved is None else {"timestamp": iso(moved)},
        unread=unread,
        row=row,
    )


def _moment(seconds: object) -> datetime | None:
    """Seconds since 1970, as a moment; None when they are none."""
    try:
        number = float(seconds) if isinstance(seconds, str | float) else float("nan")
        return datetime.fromtimestamp(number, UTC).replace(microsecond=0)
    except (ValueError, OverflowError, OSError):
        return None


def _plain(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
