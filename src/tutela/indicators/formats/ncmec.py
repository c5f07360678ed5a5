"""NCMEC Hash Sharing v2: the XML of `/v2/entries` (interfaces.md 2.1), saved to a file.

A record is named by member and id (`42/image1`), because that pair is what the interface
itself addresses. A deleted record comes without hashes and becomes a tombstone. Only UTF-8
without any document type is read, so there is no entity to expand and no file to fetch.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from tutela.indicators.formats.bounded import BoundedReader
from tutela.indicators.formats.identities import hashes_in
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
)
from tutela.indicators.signals import NotAHash, value_of
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput
from tutela.taxonomy.model import Category

SCHEME = "ncmec-ab"
SCHEME_VERSION = "hashsharing-v2"

_NAMESPACE = re.compile(r"\{[a-z]+://[^{}]+/hashsharing/v2\}queryResult")
_LIVE = {"image": "image", "video": "video"}
_DELETED = {"deletedImage": "image", "deletedVideo": "video"}
_KINDS = {
    "md5": SignalKind.MD5,
    "sha1": SignalKind.SHA1,
    "sha256": SignalKind.SHA256,
    "pdq": SignalKind.PDQ,
    "pdna": SignalKind.PHOTODNA,
    "photodna": SignalKind.PHOTODNA,
}
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}", re.ASCII)
_CLASSIFICATION = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,12}", re.ASCII)
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")
_FIELDS = frozenset({"member", "timestamp", "id", "classification", "fingerprints", "feedback"})
MAX_ELEMENTS = 10_000
_ENTRY_DEPTH = 3  # queryResult / images / image


def parse(stream: BinaryIO) -> Iterator[ParsedRow]:
    """Entries and refusals in the order of the records; `Refusal.row` is the record's number.

    XML that is broken anywhere, has a document type, or is not this interface's is `BadInput`.
    """
    reader = BoundedReader(stream, why_not=_why_not)
    try:
        yield from _records(reader)
    except etree.LxmlError:
        raise _unreadable(reader.items, "the XML is broken, stops or is not UTF-8") from None
    except (ValueError, LookupError):
        raise _unreadable(reader.items, "the XML cannot be read") from None


def recognises(head: bytes) -> bool:
    """Whether the first bytes look like XML."""
    return head.lstrip().startswith(b"<")


def _why_not(piece: bytes) -> str:
    """No document type reaches the parser, so there is nothing to expand."""
    return (
        "it declares a document type or entities"
        if any(word in piece for word in _FORBIDDEN)
        else ""
    )


def _records(reader: BoundedReader) -> Iterator[ParsedRow]:
    """Walk the document; each record is forgotten once read."""
    depth = 0
    root = None
    pages, skipping = _Pages(), _Skipping(reader)
    for event, element in etree.iterparse(
        reader,
        events=("start", "end"),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,  # the reader has its own bound, and no entity is ever declared
        remove_comments=True,
        remove_pis=True,
    ):
        if event == "start":
            depth += 1
            if root is None:
                root = element
                if not _NAMESPACE.fullmatch(str(element.tag)):
                    raise _unreadable(0, "it is not a queryResult of Hash Sharing v2")
            skipping.started(element, depth)
            continue
        parent = _local(element.getparent())
        if depth == _ENTRY_DEPTH and parent in ("images", "videos"):
            pages.record()
            yield from _record(element, row=reader.item())
            _forget(element)
            skipping.record_ended()
        elif depth == _ENTRY_DEPTH - 1:
            yield from pages.ended(element)
        else:
            skipping.ended(element, depth)
        depth -= 1
    if root is None:
        raise _unreadable(0, "it is empty")


class _Skipping:
    """Lets go of what a record holds beside the fields that are read, as soon as it has come."""

    def __init__(self, reader: BoundedReader) -> None:
        self._reader = reader
        self._child = ""
        self._since = 0
        self._kept = 0

    def started(self, element: etree._Element, depth: int) -> None:
        """An element begins; the children of a record say what its descendants are for."""
        if depth == _ENTRY_DEPTH + 1:
            self._child = _local(element)
            self._since = self._reader.bytes_read

    def ended(self, element: etree._Element, depth: int) -> None:
        """An element has been read in full."""
        if depth == _ENTRY_DEPTH + 1 and self._child not in _FIELDS:
            element.clear()
            previous = element.getprevious()
            parent = element.getparent()
            if previous is not None and parent is not None and _local(previous) not in _FIELDS:
                parent.remove(previous)
            self._reader.let_go(self._since)
        elif depth > _ENTRY_DEPTH + 2 or (depth > _ENTRY_DEPTH and self._child not in _FIELDS):
            _forget(element)
        elif depth > _ENTRY_DEPTH:
            self._kept += 1
            if self._kept > MAX_ELEMENTS:
                raise _unreadable(
                    self._reader.items, f"a record has more than {MAX_ELEMENTS:,} fields"
                )

    def record_ended(self) -> None:
        """The next record begins anew."""
        self._kept = 0


class _Pages:
    """Whether the document is the whole answer: it may name a next page, or hold too few."""

    def __init__(self) -> None:
        self._records = 0

    def record(self) -> None:
        """One more record of the list that is being read."""
        self._records += 1

    def ended(self, element: etree._Element) -> Iterator[Partial]:
        """A child of the root has been read: a list of records, or the place of the next page."""
        name = _local(element)
        if name == "paging" and _text(element, "next"):
            yield Partial(why="it is one page of several: it names a next page")
        elif name in ("images", "videos"):
            told = (element.get("count") or "").strip()
            if _COUNT.fullmatch(told) and int(told) > self._records:
                yield Partial(why=f"it says {told} {name} and holds {self._records}")
            self._records = 0


def _forget(element: etree._Element) -> None:
    """Give back the memory of what has been read."""
    element.clear()
    while element.getprevious() is not None:
        parent = element.getparent()
        if parent is None:
            return
        del parent[0]


def _record(element: etree._Element, *, row: int) -> Iterator[ParsedRow]:
    """The fingerprints of one record, or its tombstone."""
    name = _local(element)
    record = _record_name(element)
    why = ""
    if name not in _LIVE and name not in _DELETED:
        why = "it is neither an image nor a video, nor a deleted one"
    elif record is None:  # its deletion will name the record only, so it is not taken without
        why = "its member or its id is missing, too long or unprintable"
    if why or record is None:
        yield Refusal(row=row, why=why, names=_names(element, record))
        return
    provenance = _provenance(element, media=_LIVE.get(name) or _DELETED[name])
    unread = set[SideField]()
    if "timestamp_unread" in provenance:
        unread.add(SideField.TIMESTAMP)
        yield Ignored(row=row, field=SideField.TIMESTAMP, why="it is not an ISO 8601 date and time")
    if name in _DELETED:
        yield ListEntry(
            kind=SignalKind.OTHER,
            value=b"",
            external_id=record,
            status=EntryStatus.DELETED,
            provenance=provenance,
            unread=frozenset(unread),
            row=row,
        )
        return
    code = _text(element, "classification")
    if code and not _CLASSIFICATION.fullmatch(code):
        unread.add(SideField.CATEGORY)
        yield Ignored(
            row=row, field=SideField.CATEGORY, why="the classification is not a short code"
        )
        code = ""
    category = Category(scheme=SCHEME, version=SCHEME_VERSION, code=code) if code else None
    prints = _child(element, "fingerprints")
    if prints is None or not len(prints):
        whole = (Identity(external_id=record),)
        yield Refusal(row=row, why="it holds no fingerprint", names=whole, certain=True)
        return
    for fingerprint in prints:
        try:
            kind, value = _fingerprint(fingerprint)
        except NotAHash as error:
            yield _refused(fingerprint, record, row=row, why=str(error))
            continue
        yield ListEntry(
            kind=kind,
            value=value,
            external_id=record,
            category=category,
            provenance=provenance,
            unread=frozenset(unread),
            row=row,
        )


def _refused(element: etree._Element, record: str, *, row: int, why: str) -> Refusal:
    """One fingerprint that cannot be taken; its record may hold one of its kind already."""
    tag = _local(element)
    kind = _KINDS.get(tag.lower(), SignalKind.OTHER) if _TAG.fullmatch(tag) else None
    given = Identity(external_id=record, kind=kind)
    return Refusal(row=row, why=why, names=(given,), certain=True)


def _names(element: etree._Element, record: str | None) -> tuple[Identity, ...]:
    """What a record names that is not taken: itself, or its hashes as far as they can be read."""
    found = [Identity(external_id=record)] if record is not None else []
    for fingerprint in element.iter():
        if fingerprint is not element and len(fingerprint) == 0:
            found += hashes_in(fingerprint.text or "")
    return tuple(found)


def _fingerprint(element: etree._Element) -> tuple[SignalKind, bytes]:
    """Kind and bytes; a kind we cannot read is kept as `name:text`."""
    tag = _local(element)
    if not _TAG.fullmatch(tag):
        raise NotAHash("a fingerprint's name is too long or unusual")
    if "href" in element.attrib:
        # The address is valid for hours and needs credentials: it is never stored.
        raise NotAHash(f"{tag}: given as a link only, the fingerprint itself is not in the file")
    text = element.text or ""
    kind = _KINDS.get(tag.lower(), SignalKind.OTHER)
    if len(element) or not text.strip():
        raise NotAHash(f"{tag}: it is not a text")
    try:
        if kind is SignalKind.OTHER:
            return kind, value_of(kind, f"{tag.lower()}:{text}")
        return kind, value_of(kind, text.strip())
    except NotAHash as error:
        raise NotAHash(f"{tag}: {error}") from None


def _record_name(element: etree._Element) -> str | None:
    """`member/id`, or None when one of the two cannot be used."""
    member = _child(element, "member")
    number = (member.get("id") or "") if member is not None else ""
    name = _text(element, "id")
    if not number or not name or not is_name(f"{number}/{name}") or "/" in number:
        return None
    return f"{number}/{name}"


def _provenance(element: etree._Element, *, media: str) -> dict[str, str]:
    """Member, moment and what other members said."""
    member = _child(element, "member")
    notes = {"media": media}
    if member is not None:
        notes["member_id"] = clean(member.get("id") or "")
        if member.text:
            notes["member"] = clean(member.text)
    if text := _text(element, "timestamp"):
        at = moment(text)
        if at is None:
            notes["timestamp_unread"] = clean(text)
        else:
            notes["timestamp"] = iso(at)
    feedback = _child(element, "feedback")
    for name, note in (("affirmativeFeedback", "affirmed"), ("negativeFeedback", "disputed")):
        said = [
            clean(item.get("type") or "unspecified")
            for item in (feedback if feedback is not None else ())
            if _local(item) == name
        ]
        if said:
            notes[note] = ", ".join(sorted(set(said)))[:200]
    return notes


def _child(element: etree._Element, name: str) -> etree._Element | None:
    """The first child of this name."""
    return next((child for child in element if _local(child) == name), None)


def _text(element: etree._Element, name: str) -> str:
    """The text of the first child of this name, without blanks around it."""
    child = _child(element, name)
    return (child.text or "").strip() if child is not None else ""


def _local(element: etree._Element | None) -> str:
    """An element's name without its namespace."""
    if element is None or not isinstance(element.tag, str):
        return ""
    return element.tag.rpartition("}")[2]


def _unreadable(item: int, why: str) -> BadInput:
    """The whole file is refused because of what stands after this record."""
    return BadInput(
        "This Hash Sharing file cannot be read",
        why=f"after record {item}: {why}",
        remedy="Nothing was imported. Fetch it again, whole and as UTF-8",
    )
