"""Project VIC VICS 1.x and 2.0: OData JSON, a case (`#Cases`) or a hash set (`#Media`).

Parser rules: interfaces.md 2.7. Read as a stream of JSON events, never as a document, so that
neither its length nor its depth costs memory. The key of a record is its MD5. File names,
paths, comments, series and Exif values are not kept: they can name people and match nothing.
"""

import re
from collections.abc import Iterator
from contextvars import copy_context
from decimal import Context, Decimal, setcontext
from typing import Any, BinaryIO, Final

import ijson

from tutela.indicators.formats.bounded import BoundedReader, ShortDigits, was_cut
from tutela.indicators.formats.texts import clean, moment
from tutela.indicators.formats.vics_hashes import DIRECT, HASH_KEYS, NESTED, hashes, named, read
from tutela.indicators.model import (
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
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category

MAX_DEPTH = 1_000
MAX_VALUE_CHARACTERS = 4_096
"""A longer value is neither a hash nor a note."""
MAX_ALTERNATIVES = 10_000
_MEDIA_LEVELS = 2  # a case, its media, and a medium that is wrapped once more
_NEXT_PAGE_KEYS = frozenset({"odata.nextLink", "@odata.nextLink"})
_COUNT_KEYS = frozenset({"odata.count", "@odata.count"})
_COUNT = re.compile(r"[0-9]{1,12}", re.ASCII)
_CONTEXT_KEYS = frozenset({"odata.metadata", "@odata.context"})
_CONTEXT = re.compile(
    r".*/(?P<version>1\.[0-9]|2\.0)\.xml"
    r"(?:/(?P<segment>[A-Za-z]{1,16}))?(?:/?\$metadata)?#(?P<what>Cases|Media)",
    re.ASCII | re.DOTALL,
)
_SCHEMES = {"us": "vics-us", "uk": "vics-uk"}
UNKNOWN_SCHEME = "vics-unknown"
"""What `Category` means where the envelope does not say whose numbers it uses."""

_FLAGS = {
    "VictimIdentified": "victim_identified",
    "OffenderIdentified": "offender_identified",
    "IsDistributed": "is_distributed",
    "IsSuspected": "is_suspected",
    "SelfGenerated": "self_generated",
}
_NOTES = {
    "MediaID": "media_id",
    "MediaSize": "media_size",
    "MimeType": "mime_type",
    "PrecategorizationSource": "precategorization_source",
}
_CODE = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)
_SKIPPED: Final = object()
_KEPT_KEYS = frozenset(
    {*DIRECT, *_FLAGS, *_NOTES, *NESTED, "MediaFiles", "Category", "DateUpdated"}
)


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """Entries and refusals in the order of the media; `Refusal.row` is the medium's number.

    A document that is not JSON, not VICS, nested too deep or broken anywhere is `BadInput`.
    """
    reader = BoundedReader(ShortDigits(stream))
    try:
        yield from _Document(reader).media()
    except ijson.JSONError:
        why = "the JSON is broken, stops or is not UTF-8"
        raise _unreadable(reader.items, why) from None
    except (ValueError, ArithmeticError):
        raise _unreadable(reader.items, "a number or text cannot be read") from None


def recognises(head: bytes) -> bool:
    """Whether the first bytes look like JSON."""
    return head.lstrip().startswith(b"{")


class _Document:
    """Walks the events of one document; keeps the depth in sight."""

    def __init__(self, reader: BoundedReader) -> None:
        self._reader = reader
        self._events = self._guarded()
        self._envelope: re.Match[str] | None = None
        self._values_read = 0

    def _guarded(self) -> Iterator[tuple[str, Any]]:
        """JSON events, none deeper than `MAX_DEPTH`."""
        depth = 0
        events = iter(ijson.basic_parse(self._reader))
        # A number with an endless exponent becomes NaN here, and no error for the whole file.
        context = copy_context()
        context.run(setcontext, Context(traps=[]))
        while found := context.run(next, events, None):
            event, value = found
            self._reader.let_go()  # the token is read; what is kept of it is counted
            if event in ("start_map", "start_array"):
                depth += 1
                if depth > MAX_DEPTH:
                    raise _unreadable(self._reader.items, f"it is nested deeper than {MAX_DEPTH}")
            elif event in ("end_map", "end_array"):
                depth -= 1
            yield event, value

    def media(self) -> Iterator[ParsedRow]:
        """The envelope, then each medium."""
        if next(self._events, ("", None))[0] != "start_map":
            raise _unreadable(0, "it does not start with an object")
        found = False
        said = 0
        for event, key in self._events:
            if event == "end_map":
                continue  # the parser itself refuses anything after it
            opening, value = next(self._events)
            if key in _NEXT_PAGE_KEYS and value:
                yield Partial(why="it is one page of several: it names a next page")
            if key in _COUNT_KEYS and _COUNT.fullmatch(str(value)):
                said = int(str(value))
            if key in _CONTEXT_KEYS:
                self._read_context(opening, value)
            elif key == "value" and opening == "start_array":
                found = True
                yield from self._values()
            else:
                self._skip(opening)
        if not found:
            raise _unreadable(0, 'it has no list "value"')
        if said > self._values_read:
            yield Partial(why=f"it says {said} values and holds {self._values_read}")

    def _read_context(self, event: str, value: object) -> None:
        """Version, country segment and kind of the envelope; the values come after it."""
        self._envelope = _CONTEXT.fullmatch(str(value)) if event == "string" else None
        if self._envelope is None:
            raise _unreadable(0, "its envelope is not VICS 1.x or 2.0 with #Cases or #Media")

    def _values(self) -> Iterator[ParsedRow]:
        """The media of the list, or of each case in it."""
        if self._envelope is None:
            raise _unreadable(0, "no envelope stands before the values, so Category has no meaning")
        yield from self._array(cases=self._envelope["what"] == "Cases")

    def _array(self, *, cases: bool, level: int = 0) -> Iterator[ParsedRow]:
        """Each element of an array that has been opened; level 0 is the document's own."""
        for event, _ in self._events:
            if event == "end_array":
                return
            self._values_read += level == 0
            if event != "start_map":
                self._skip(event)
                yield Refusal(row=self._reader.item(), why="it is not an object")
            else:
                yield from self._element(case=cases, level=level)

    def _element(self, *, case: bool, level: int) -> Iterator[ParsedRow]:
        """A medium, or a case with its media; what a case says about people is passed over.

        Some tools wrap each medium of a hash set into `{"Media": …}`, and some list media where
        cases are announced, so both are looked for in each element, and no deeper.
        """
        kept: dict[str, Any] = {}
        wrapped = False
        for event, key in self._events:
            if event == "end_map":
                break
            opening, value = next(self._events)
            if key == "Media" and opening != "null":
                wrapped = True
                yield from self._media_of(opening, level=level + 1)
            elif key in _KEPT_KEYS:
                kept[key] = self._value(key, opening, value)
            else:
                self._skip(opening)
        if any(hashes(kept)) or not (case or wrapped):
            yield from self._entries(kept, row=self._reader.item())

    def _media_of(self, opening: str, *, level: int) -> Iterator[ParsedRow]:
        """The media below an element: of a case, and of a wrapped medium within a case."""
        if opening == "start_array" and level <= _MEDIA_LEVELS:
            yield from self._array(cases=False, level=level)
        elif opening == "start_map" and level <= _MEDIA_LEVELS:
            yield from self._element(case=False, level=level)
        else:
            self._skip(opening)
            why = "Media is neither a list nor a medium, or lies too deep"
            yield Refusal(row=self._reader.item(), why=why)

    def _skip(self, event: str) -> None:
        """Pass over the value that this event begins."""
        depth = 1 if event in ("start_map", "start_array") else 0
        while depth:
            event, _ = next(self._events)
            if event in ("start_map", "start_array"):
                depth += 1
            elif event in ("end_map", "end_array"):
                depth -= 1

    def _object(self, *, keep: frozenset[str]) -> dict[str, Any]:
        """The rest of an object that has been opened, as far as we use it."""
        kept: dict[str, Any] = {}
        for event, key in self._events:
            if event == "end_map":
                return kept
            opening, value = next(self._events)
            if key in keep:
                kept[key] = self._value(key, opening, value)
            else:
                self._skip(opening)
        return kept

    def _value(self, key: str, opening: str, value: object) -> object:
        """The value that this event begins: short, or hashes one level down, else `_SKIPPED`."""
        nested = key in NESTED or key == "MediaFiles"
        if nested and opening == "start_array":
            return self._alternatives()
        if nested and opening == "start_map":
            return [self._object(keep=HASH_KEYS)]
        if opening in ("start_map", "start_array"):
            self._skip(opening)
            return _SKIPPED
        return value if _is_short(value) else _SKIPPED

    def _alternatives(self) -> list[dict[str, Any]]:
        """`[{MD5, HashName, HashValue}]`, or `[{MD5, SHA1}]`."""
        found: list[dict[str, Any]] = []
        for event, _ in self._events:
            if event == "end_array":
                break
            if event == "start_map":
                other = self._object(keep=HASH_KEYS)
            else:
                self._skip(event)
                other = {}
            if len(found) <= MAX_ALTERNATIVES:
                found.append(other)
        return found

    def _entries(self, medium: dict[str, Any], *, row: int) -> Iterator[ParsedRow]:
        """The hashes of one medium; each that cannot be taken is a refusal of its own."""
        envelope = self._envelope
        if envelope is None:  # pragma: no cover - _values has refused it
            return
        unread: set[SideField] = set()
        category, why = _category(medium.get("Category"), envelope)
        if why:
            unread.add(SideField.CATEGORY)
            yield Ignored(row=row, field=SideField.CATEGORY, why=why)
        for key in _too_long(medium):
            why = f"it has more than {MAX_ALTERNATIVES:,} {key}, the rest is not read"
            yield Refusal(row=row, why=why, names=named(medium))
        for key in _NOTES.keys() & {key for key, value in medium.items() if value is _SKIPPED}:
            why = f"{key} is not a short text or number"
            yield Ignored(row=row, field=SideField.PROVENANCE, why=why)
        provenance = _provenance(medium, envelope)
        if "timestamp_unread" in provenance:
            unread.add(SideField.TIMESTAMP)
            yield Ignored(row=row, field=SideField.TIMESTAMP, why="DateUpdated is not a date")
        values, refused = read(medium)
        record = next((value.hex() for kind, value in values if kind is SignalKind.MD5), "")
        if not record:
            unread.add(SideField.EXTERNAL_ID)
        identities = named(medium)
        for kind, why in refused:
            yield Refusal(
                row=row,
                why=f"{kind}: {why}",
                names=(Identity(external_id=record),) if record else identities,
                certain=bool(record),
            )
        for kind, value in values:
            yield ListEntry(
                kind=kind,
                value=value,
                external_id=record,
                category=category,
                provenance=provenance,
                unread=frozenset(unread),
                row=row,
            )
        if not values and not refused:
            yield Refusal(row=row, why="it holds no hash")


def _too_long(medium: dict[str, Any]) -> Iterator[str]:
    """The lists of hashes in a medium of which only the beginning is kept."""
    for key in (*NESTED, "MediaFiles"):
        held = medium.get(key)
        if isinstance(held, list) and len(held) > MAX_ALTERNATIVES:
            yield key


def _is_short(value: object) -> bool:
    """Whether a value can be a hash or a note, and was not cut on its way to the parser."""
    if isinstance(value, Decimal) and not value.is_finite():
        return False
    return not ((isinstance(value, str) and len(value) > MAX_VALUE_CHARACTERS) or was_cut(value))


def _category(code: object, envelope: re.Match[str]) -> tuple[Category | Uncategorised, str]:
    """The code with the scheme that the envelope names, and why it cannot be read ("" if it can).

    The same integer differs by country. None given and none readable are both uncategorised.
    """
    scheme = _SCHEMES.get((envelope["segment"] or "").lower(), UNKNOWN_SCHEME)
    version = envelope["version"]
    none = Uncategorised(scheme=scheme, version=version)
    if code is None or (isinstance(code, str) and not code.strip()):
        return none, ""
    if isinstance(code, Decimal) and code.is_finite() and code.adjusted() < 4:  # noqa: PLR2004
        code = int(code) if code == code.to_integral_value() else code
    text = str(code).strip() if isinstance(code, int | str) and not isinstance(code, bool) else ""
    if not _CODE.fullmatch(text):
        return none, "the Category is not a number or a short code"
    return Category(scheme=scheme, version=version, code=text), ""


def _provenance(medium: dict[str, Any], envelope: re.Match[str]) -> dict[str, str]:
    """What the record says about itself; never names of files or people."""
    notes = {"envelope": f"VICS {envelope['version']} {envelope['segment'] or ''}".strip()}
    for key, name in _NOTES.items():
        value = medium.get(key)
        if isinstance(value, str | int | Decimal) and str(value).strip():
            notes[name] = clean(str(value).strip())
    for key, name in _FLAGS.items():
        value = medium.get(key)
        if isinstance(value, bool | str) and str(value).strip().lower() in ("true", "false"):
            notes[name] = str(value).strip().lower()
    changed = medium.get("DateUpdated")
    if changed is not None and not isinstance(changed, str):
        notes["timestamp_unread"] = "not a text"
    elif changed and changed.strip():
        at = moment(changed.strip())
        if at is None:
            notes["timestamp_unread"] = clean(changed)
        else:
            notes["timestamp"] = iso(at)
    return notes


def _unreadable(item: int, why: str) -> BadInput:
    """The whole file is refused because of what stands after this item."""
    return BadInput(
        "This VICS file cannot be read",
        why=f"after medium {item}: {why}",
        remedy="Nothing was imported. Export it again, whole and as UTF-8",
    )
